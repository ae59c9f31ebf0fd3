import pandas as pd
import pytest

from ssvif.evaluation.agreement import BranchAgreement
from ssvif.evaluation.tables import ACRONYMS, long_form, markdown, metrics_json, summarise

CANDIDATES = ("stage_one", "stage_two", "mean", "max")
BRANCHES = {
    stage: BranchAgreement(0.5, 0.4, 8.0, 6.0, 0.375, 16) for stage in ("stage_one", "stage_two")
}


@pytest.fixture
def pairs() -> pd.DataFrame:
    """Three pairs in which stage two leads everywhere, and scores rise from pair to pair."""
    places = [("x", "roads", "day"), ("y", "roads", "night"), ("z", "fields", "night")]
    rows = [
        {"id": name, "set": set_, "name": name, "light": light, "candidate": candidate}
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
    assert overall["stage_two"] == pytest.approx((8 * 1 + 2) / 9)
    assert overall["mean"] == pytest.approx((8 * 4 + 1) / 9)


def test_summarise__equal_scores_share_a_rank(pairs: pd.DataFrame) -> None:
    pairs[ACRONYMS] = 1.0
    assert summarise(pairs)["mean_rank"].unique().tolist() == [2.5]


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


def test_markdown__best_is_bold_and_every_group_is_there(pairs: pd.DataFrame) -> None:
    page = markdown(summarise(pairs), BRANCHES, split="test")
    headings = [line for line in page.splitlines() if line.startswith("#")]
    assert headings == [
        "# Scores on the split `test`",
        "## All pairs: 3 pairs",
        "## Set `fields`: 1 pair",
        "## Set `roads`: 2 pairs",
        "## By day: 1 pair",
        "## By night: 2 pairs",
        "## The two segmentations",
        "## What the columns are",
    ]
    best, other = (next(r for r in page.splitlines() if name in r) for name in ("stage two", "max"))
    assert best.count("**1.400**") == len(ACRONYMS)
    assert "**1.00**" in best
    assert "**" not in other
