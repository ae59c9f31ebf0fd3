import numpy as np
import pandas as pd
import pytest

from ssvif.evaluation.agreement import BranchAgreement
from ssvif.evaluation.tables import (
    interval_table,
    long_form,
    metrics_json,
    metrics_of,
    ranks,
    summarise,
)
from ssvif.metrics.table import METRICS, STANDARD

ACRONYMS = [metric.acronym for metric in STANDARD]
CANDIDATES = ("stage_one", "stage_two", "mean", "max")
BRANCHES = {
    stage: BranchAgreement(0.5, 0.4, 8.0, 6.0, 0.375, 16) for stage in ("stage_one", "stage_two")
}


@pytest.fixture
def pairs() -> pd.DataFrame:
    """Three pairs in which stage two leads everywhere, and scores rise from pair to pair."""
    places = [("x", "roads", "day"), ("y", "roads", "night"), ("z", "fields", "night")]
    rows = [
        {"id": name, "set": set_, "name": name, "light": light, "block": name}
        | {"candidate": candidate}
        | dict.fromkeys(ACRONYMS, lead + pair)
        for pair, (name, set_, light) in enumerate(places)
        for candidate, lead in zip(CANDIDATES, (0.3, 0.4, 0.1, 0.2), strict=True)
    ]
    return pd.DataFrame(rows)


def test_summarise__averages_overall_and_by_set_and_light(pairs: pd.DataFrame) -> None:
    summary = summarise(pairs).set_index(["group", "value", "candidate"])
    assert summary.loc[("all", "all", "mean"), "SSIM"] == pytest.approx(1.1)
    assert summary.loc[("set", "fields", "max"), "EN"] == pytest.approx(2.2)
    assert summary.loc[("light", "night", "stage_one"), "Qabf"] == pytest.approx(1.8)
    assert summary.loc[("light", "night", "stage_one"), "pairs"] == 2
    assert len(summary) == 5 * len(CANDIDATES)


def test_summarise__ranks_over_the_metrics(pairs: pd.DataFrame) -> None:
    pairs.loc[pairs["candidate"] == "mean", "SSIM"] = 9.0
    overall = summarise(pairs).head(4).set_index("candidate")["mean_rank"]
    others = len(ACRONYMS) - 1
    assert overall["stage_two"] == pytest.approx((others * 1 + 2) / (others + 1))
    assert overall["mean"] == pytest.approx((others * 4 + 1) / (others + 1))


def test_summarise__equal_scores_share_a_rank(pairs: pd.DataFrame) -> None:
    pairs[ACRONYMS] = 1.0
    assert summarise(pairs)["mean_rank"].unique().tolist() == [2.5]


def test_ranks__follow_the_direction_of_a_metric() -> None:
    lower = next(metric for metric in METRICS if not metric.higher_is_better)
    means = pd.DataFrame({"EN": [1.0, 2.0], lower.acronym: [1.0, 2.0]}, index=["a", "b"])
    found = ranks(means)
    assert found["EN"].tolist() == [2.0, 1.0]
    assert found[lower.acronym].tolist() == [1.0, 2.0]


def test_interval_table__has_a_row_a_candidate_and_metric() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"candidate": "mean", "block": [f"{i // 2}" for i in range(40)], "EN": rng.normal(7, 1, 40)}
    )
    row = interval_table(table, confidence=0.95, resamples=500, seed=0).iloc[0]
    assert (row["candidate"], row["metric"]) == ("mean", "EN")
    assert row["low"] < row["mean"] < row["high"]
    assert row["mean"] == pytest.approx(table["EN"].mean())


def test_interval_table__too_few_blocks_have_no_interval(pairs: pd.DataFrame) -> None:
    table = interval_table(pairs, confidence=0.95, resamples=500, seed=0)
    assert len(table) == len(CANDIDATES) * len(ACRONYMS)
    assert table[["low", "high"]].isna().all(axis=None)


def test_metrics_json__nests_by_candidate(pairs: pd.DataFrame) -> None:
    content = metrics_json(summarise(pairs), BRANCHES, split="test")
    assert content["pairs"] == 3
    assert content["split"] == "test"
    assert set(content["stage_two"]) == set(ACRONYMS)
    assert content["stage_two"]["VIF"] == pytest.approx(1.4)
    assert content["branches"]["stage_one"]["effective_prototypes_share"] == 0.375


def test_long_form__has_a_row_a_score(pairs: pd.DataFrame) -> None:
    table = long_form(pairs, keep=["id", "candidate"])
    assert list(table.columns) == ["id", "candidate", "metric", "score"]
    assert len(table) == len(pairs) * len(ACRONYMS)


def test_metrics_of__are_those_of_the_columns() -> None:
    assert [m.acronym for m in metrics_of(pd.DataFrame(columns=["SSIM", "id", "EN"]))] == [
        "EN",
        "SSIM",
    ]
