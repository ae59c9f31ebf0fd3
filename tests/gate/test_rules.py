from math import nan

import pytest

from ssvif.errors import GateError
from ssvif.gate.gains import Gain
from ssvif.gate.rules import (
    check_latency,
    check_metric,
    check_probe,
    check_sample,
    check_size,
    check_slice,
    check_superiority,
    gated_metrics,
    group_name,
    judge_gains,
)
from ssvif.metrics.table import STANDARD
from ssvif.params import GateParams

TIGHT = GateParams(margin=0.03, slice_margin=0.06)


def gain(**changes):
    values = {
        "group": "all",
        "metric": "Qabf",
        "champion": 0.5,
        "challenger": 0.51,
        "value": 0.01,
        "low": 0.004,
        "high": 0.016,
        "p": 0.01,
        "pairs": 20,
        "blocks": 10,
    }
    return Gain(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "params", "passed"),
    [
        ({}, GateParams(), True),
        ({"low": 0.0}, GateParams(), False),
        ({"low": -0.001}, GateParams(), False),
        ({"p": 0.06}, GateParams(), False),
        ({"low": nan, "p": nan}, GateParams(), False),
        ({}, GateParams(superiority=0.007), True),
        ({}, GateParams(superiority=0.009), False),
        ({"low": -0.001}, GateParams(tie="newer"), None),
        ({}, GateParams(tie="newer"), True),
    ],
)
def test_check_superiority__bound_and_test_must_agree(changes, params, passed):
    assert check_superiority(gain(**changes), params, level=0.05).passed is passed


def test_check_superiority__sentences():
    def sentence(**changes):
        return check_superiority(gain(**changes), GateParams(), level=0.05).sentence

    assert sentence() == "gains 0.01 Qabf (0.004 to 0.016)"
    assert sentence(p=0.5) == "gains 0.01 Qabf (0.004 to 0.016), which chance may explain"
    assert sentence(value=-0.02, low=nan) == "gains nothing: -0.02 Qabf"


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({"value": -0.001, "low": -0.014}, True),
        ({"value": -0.001, "low": -0.016}, False),
        ({"value": -0.02, "low": -0.03}, False),
        ({"value": 0.01, "low": nan}, None),
    ],
)
def test_check_metric__lower_bound_against_the_margin(changes, passed):
    check = check_metric(gain(metric="SSIM", **changes), GateParams(margin=0.03))
    assert check.passed is passed
    assert check.limit == pytest.approx(-0.015)


def test_check_metric__says_whether_a_loss_is_found_or_feared():
    found = check_metric(gain(metric="MI", value=-0.02, low=-0.03), GateParams(margin=0.03))
    assert found.sentence == "loses 4 % of MI (3 % are allowed)"
    feared = check_metric(gain(metric="MI", value=-0.01, low=-0.03), GateParams(margin=0.03))
    assert feared.sentence == "may lose 6 % of MI (3 % are allowed)"


@pytest.mark.parametrize("metric", ["EN", "SD", "SF", "AG"])
def test_check_metric__of_the_fused_image_alone_is_judged_by_its_mean(metric):
    params = GateParams(margin=0.03, slice_margin=0.06)
    assert check_metric(gain(metric=metric, value=-0.029, low=-0.2), params).passed is True
    assert check_metric(gain(metric=metric, value=-0.031, low=-0.032), params).passed is False


def test_check_metric__equal_scores_of_zero_pass():
    assert check_metric(gain(metric="SCD", champion=0.0, value=0.0, low=0.0), GateParams()).passed


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({"value": -0.029}, True),
        ({"value": -0.031}, False),
        ({"value": -0.2, "pairs": 11}, None),
        ({"value": -0.2, "blocks": 2}, None),
        ({"value": -0.031, "low": nan, "blocks": 3}, False),
    ],
)
def test_check_slice__mean_against_the_wider_margin(changes, passed):
    params = GateParams(slice_margin=0.06, min_pairs=12)
    assert check_slice(gain(group="night", **changes), params).passed is passed


def test_check_slice__too_few_says_what_would_do():
    check = check_slice(gain(group="set:msrs", pairs=5, blocks=1), GateParams(min_pairs=12))
    assert check.sentence == (
        "5 pairs of 1 block of neighbouring frames: not judged on pairs of msrs; "
        "12 of 3 blocks would do"
    )


@pytest.mark.parametrize(
    ("pairs", "blocks", "passed"), [(12, 6, True), (11, 6, False), (60, 5, False), (0, 0, False)]
)
def test_check_sample__pairs_and_blocks(pairs, blocks, passed):
    check = check_sample(pairs, blocks, GateParams(min_pairs=12))
    assert check.passed is passed
    assert ("12 pairs of 6 blocks would do" in check.sentence) is not passed


@pytest.mark.parametrize(("value", "passed"), [(-0.019, True), (-0.021, False), (0.1, True)])
def test_check_probe__mean_against_its_margin(value, passed):
    check = check_probe(
        "boxes", champion=0.4, gain=value, low=nan, high=nan, params=GateParams(probe_margin=0.05)
    )
    assert check.passed is passed
    assert check.name == "probe/boxes"
    assert check.low is None


@pytest.mark.parametrize(("megabytes", "passed"), [(2.0, True), (2.01, False)])
def test_check_size__against_the_limit(megabytes, passed):
    assert check_size(megabytes, GateParams(max_megabytes=2.0)).passed is passed


@pytest.mark.parametrize(("ratio", "passed"), [(None, True), (1.25, True), (1.26, False)])
def test_check_latency__against_the_champion(ratio, passed):
    check = check_latency(ratio, GateParams(latency_ratio=1.25))
    assert check.passed is passed
    assert check.value == ratio


def test_judge_gains__a_better_model_fails_nothing(make_scores, measured):
    gains = measured(make_scores(factors={"Qabf": 1.05}))
    checks = judge_gains(gains, TIGHT, level=0.05)
    assert all(check.passed for check in checks)
    assert [check.kind for check in checks] == ["sample", "superiority"] + 9 * ["metric"]


def test_judge_gains__each_metric_guards(make_scores, measured):
    for metric in STANDARD:
        if metric.acronym == "Qabf":
            continue
        gains = measured(make_scores(factors={"Qabf": 1.05, metric.acronym: 0.9}))
        failed = [c.name for c in judge_gains(gains, TIGHT, level=0.05) if not c.passed]
        assert failed == [f"metric/{metric.acronym}"]


def test_judge_gains__a_loss_by_night_alone_is_seen(make_scores, measured):
    scores = make_scores(factors={"Qabf": 1.05}, blocks=60, lights=("day",) * 5 + ("night",))
    at_night = (scores["light"] == "night") & (scores["candidate"] == "challenger")
    scores.loc[at_night, "SSIM"] *= 0.92
    night, day = (set(scores.loc[scores["light"] == x, "id"]) for x in ("night", "day"))
    checks = judge_gains(measured(scores, {"night": night, "day": day}), TIGHT, level=0.05)
    assert [check.name for check in checks if not check.passed] == ["slice/night/SSIM"]


def test_judge_gains__a_slice_of_all_pairs_is_judged_once(make_scores, measured):
    scores = make_scores()
    gains = measured(scores, {"day": set(scores["id"])})
    assert not [c for c in judge_gains(gains, TIGHT, level=0.05) if c.kind == "slice"]


def test_judge_gains__newer_wins_ties_unless_the_primary_may_fall(make_scores, measured):
    newer = TIGHT.model_copy(update={"tie": "newer"})
    tie = judge_gains(measured(make_scores()), newer, level=0.05)
    assert not [check for check in tie if check.passed is False]
    worse = judge_gains(measured(make_scores(factors={"Qabf": 0.96})), newer, level=0.05)
    assert [check.name for check in worse if check.passed is False] == ["metric/Qabf"]


def test_gated_metrics__another_primary_is_scored_too():
    assert gated_metrics("Qabf") == STANDARD
    assert [metric.acronym for metric in gated_metrics("Qcb")][-1] == "Qcb"
    with pytest.raises(GateError, match=r"gate\.primary: expected one of EN, .*found qabf"):
        gated_metrics("qabf")


def test_group_name__of_sets_and_lights():
    assert group_name("set:msrs") == "pairs of msrs"
    assert group_name("night") == "night pairs"
