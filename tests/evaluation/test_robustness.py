import math

import pandas as pd
import pytest

from ssvif.evaluation.robustness import (
    breaks,
    missing_camera,
    overtaken,
    retained,
    robustness,
    sentences,
)
from ssvif.evaluation.stress import PROBE_METRIC, STRESS_COLUMNS


def stress_table(*curves):
    """Each curve: degradation, candidate, metric, and its scores at severities 0, 3 and 5."""
    rows = [
        (degradation, severity, 10.0 * severity, "pixels", candidate, metric, score)
        for degradation, candidate, metric, scores in curves
        for severity, score in zip((0, 3, 5), scores, strict=True)
    ]
    return pd.DataFrame(rows, columns=STRESS_COLUMNS)


def test_retained__is_the_share_of_the_clean_score_and_no_more_than_all() -> None:
    table = stress_table(("shift", "mean", "Qabf", (0.5, 0.6, 0.2)))
    assert retained(table)["retained"].tolist() == pytest.approx([1.0, 0.4])


def test_retained__is_unknown_where_the_clean_score_is_not_positive() -> None:
    table = stress_table(("shift", "mean", "SCD", (-0.1, -0.2, -0.3)))
    assert retained(table)["retained"].isna().all()
    assert math.isnan(robustness(table)["robustness"].iloc[0])
    assert breaks(table).empty


def test_robustness__is_the_mean_over_degradations_and_severities() -> None:
    table = stress_table(
        ("shift", "mean", "Qabf", (0.5, 0.5, 0.25)),
        ("jpeg", "mean", "Qabf", (0.5, 0.25, 0.0)),
        ("shift", "mean", "SSIM", (0.8, 0.8, 0.8)),
        ("jpeg", "mean", "SSIM", (0.8, 0.4, 0.4)),
    )
    found = robustness(table).set_index("metric")
    assert found.loc["Qabf", "robustness"] == pytest.approx((1.0 + 0.5 + 0.5 + 0.0) / 4)
    assert found.loc["SSIM", "robustness"] == pytest.approx(0.75)
    assert found.loc["all", "robustness"] == pytest.approx(0.625)
    assert found.loc["all", "worst"] == "jpeg"
    assert found.loc["all", "worst_retained"] == pytest.approx((0.25 + 0.5) / 2)


def test_breaks__at_the_first_severity_below_half() -> None:
    table = stress_table(
        ("shift", "mean", "Qabf", (0.5, 0.2, 0.1)),
        ("shift", "max", "Qabf", (0.5, 0.3, 0.24)),
        ("shift", "both", "Qabf", (0.5, 0.3, 0.25)),
        ("shift", "vis", "Qabf", (0.5, 0.1, 0.1)),
    )
    found = breaks(table).set_index("candidate")
    assert found["severity"].to_dict() == {"mean": 3, "max": 5}
    assert found.loc["mean", "retained"] == pytest.approx(0.4)


def test_overtaken__by_the_better_camera_that_it_led_when_clean() -> None:
    table = stress_table(
        ("shift", "vis", PROBE_METRIC, (0.5, 0.5, 0.5)),
        ("shift", "ir", PROBE_METRIC, (0.4, 0.3, 0.2)),
        ("shift", "mean", PROBE_METRIC, (0.6, 0.55, 0.45)),
        ("shift", "max", PROBE_METRIC, (0.45, 0.4, 0.3)),  # behind all along
        ("shift", "stack", PROBE_METRIC, (0.7, 0.6, 0.55)),
    )
    (row,) = overtaken(table).to_dict("records")
    assert (row["candidate"], row["severity"], row["camera"]) == ("mean", 5, "vis")
    assert row["camera_score"] == 0.5


def test_overtaken__says_nothing_without_a_probe() -> None:
    table = stress_table(
        ("shift", "vis", "SSIM", (0.5, 0.5, 0.5)), ("shift", "mean", "SSIM", (0.6, 0.4, 0.4))
    )
    assert overtaken(table).empty


def test_missing_camera__compares_with_the_one_that_is_left() -> None:
    table = stress_table(
        ("infrared_black", "vis", "Qabf", (0.5, 0.5, 0.5)),
        ("infrared_black", "ir", "Qabf", (0.9, 0.1, 0.0)),
        ("infrared_black", "mean", "Qabf", (0.6, 0.4, 0.3)),
        ("infrared_black", "max", "Qabf", (0.6, 0.4, 0.5)),
        ("shift", "mean", "Qabf", (0.6, 0.4, 0.3)),
        ("shift", "vis", "Qabf", (0.6, 0.6, 0.6)),
    )
    found = missing_camera(table).set_index("candidate")
    assert found["remaining"].eq("vis").all()
    assert found["below"].to_dict() == {"mean": True, "max": False}


def test_missing_camera__says_nothing_before_all_is_lost() -> None:
    table = stress_table(
        ("infrared_black", "vis", "Qabf", (0.5, 0.5, 0.5)),
        ("infrared_black", "mean", "Qabf", (0.6, 0.4, 0.3)),
    )
    assert missing_camera(table[table["severity"] < 5]).empty


def test_sentences__say_where_each_candidate_breaks() -> None:
    table = stress_table(
        ("shift", "mean", "Qabf", (0.5, 0.4, 0.1)),
        ("shift", "max", "Qabf", (0.5, 0.4, 0.4)),
        ("infrared_black", "mean", PROBE_METRIC, (0.6, 0.5, 0.4)),
        ("infrared_black", "vis", PROBE_METRIC, (0.5, 0.5, 0.5)),
    )
    halves, overtaken_, missing = sentences(table)
    assert halves == (
        "mean keeps less than half of a score under infrared shifted (50 pixels: Qabf)."
    )
    assert overtaken_ == (
        "mean falls below the better single camera under infrared missing (black) (50 pixels: "
        "probe_mean_iou)."
    )
    assert missing == (
        "mean is worse than the camera that is left, where the other is lost or frozen, in "
        "1 by probe_mean_iou of 1 cases."
    )


def test_robustness__of_no_stress_is_empty() -> None:
    table = stress_table()
    assert robustness(table).empty
    assert sentences(table) == []
