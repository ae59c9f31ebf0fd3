import pandas as pd
import pytest

from ssvif.evaluation.agreement import BranchAgreement
from ssvif.evaluation.compare import compare
from ssvif.evaluation.summary import markdown, probe_table, score_table
from ssvif.evaluation.tables import summarise
from ssvif.metrics.table import METRICS

BRANCHES = {"stage_two": BranchAgreement(0.5, 0.4, 8.0, 6.0, 0.375, 16)}
PROBES = pd.DataFrame(
    [
        ("semantic", "ir", "iou", "all", 0.4, 0.3, 0.5, 3),
        ("semantic", "max", "iou", "all", 0.6, float("nan"), float("nan"), 3),
        ("semantic", "max", "iou", "car", 0.7, 0.6, 0.8, 3),
        ("semantic", "max", "ap50", "all", 0.25, float("nan"), float("nan"), 3),
    ],
    columns=["task", "candidate", "score", "class", "mean", "low", "high", "repetitions"],
)
NO_PROBES = PROBES.head(0)
NOTHING = pd.DataFrame(columns=["pair", "candidate", "reason"])
LESS_IS_BETTER = next(metric.acronym for metric in METRICS if not metric.higher_is_better)


@pytest.fixture
def pairs() -> pd.DataFrame:
    leads = {"stage_two": 0.4, "max": 0.2, "mean": 0.1}
    rows = [
        {"id": name, "set": set_, "light": light, "block": name, "candidate": candidate}
        | {"EN": lead + number, LESS_IS_BETTER: lead + number}
        for number, (name, set_, light) in enumerate([("x", "a", "day"), ("y", "b", "night")])
        for candidate, lead in leads.items()
    ]
    return pd.DataFrame(rows)


def test_markdown__has_a_section_a_group(pairs: pd.DataFrame) -> None:
    compared = compare(pairs, candidate="stage_two", reference="max", metrics=["EN"])
    page = markdown(
        summarise(pairs), BRANCHES, [compared], NOTHING, PROBES, ["max breaks."], split="test"
    )
    assert [line for line in page.splitlines() if line.startswith("#")] == [
        "# Scores on the split `test`",
        "## All pairs: 2 pairs",
        "## Set `a`: 1 pair",
        "## Set `b`: 1 pair",
        "## By day: 1 pair",
        "## By night: 1 pair",
        "## Against chance",
        "## Probe: semantic",
        "## Under stress",
        "## The two segmentations",
        "## What the columns are",
    ]
    assert compared.sentence in page
    assert "- max breaks." in page
    assert "Left out" not in page


def test_markdown__no_model_has_no_segmentations(pairs: pd.DataFrame) -> None:
    assert "segmentations" not in markdown(
        summarise(pairs), {}, [], NOTHING, NO_PROBES, [], split="test"
    )


def test_markdown__counts_what_was_left_out(pairs: pd.DataFrame) -> None:
    left_out = pd.DataFrame(
        [("a/1", "SAGE", "no image called a/1"), ("a/1", "TIM", "x"), ("a/2", "SAGE", "y")],
        columns=NOTHING.columns,
    )
    page = markdown(summarise(pairs), {}, [], left_out, NO_PROBES, [], split="test")
    assert "on the same pairs: 2 (SAGE 2, TIM 1)" in page
    assert "such as: no image called a/1." in page


def test_markdown__labels_and_probes_left_out_are_told_from_pairs(pairs: pd.DataFrame) -> None:
    left_out = pd.DataFrame(
        [("a/1", "probe:labels", "no class 99"), ("probe:semantic", "SAGE", "1 of 9 is missing")],
        columns=NOTHING.columns,
    )
    page = markdown(summarise(pairs), {}, [], left_out, NO_PROBES, [], split="test")
    assert "Left out for all" not in page
    assert "Labels left out of the probes: 1 (labels 1); " in page
    assert "could not be probed: SAGE; `left_out.csv` has every reason, such as: 1 of 9" in page


def test_markdown__a_set_and_a_light_of_all_pairs_are_not_repeated(pairs: pd.DataFrame) -> None:
    alike = summarise(pairs.assign(set="a"))
    page = markdown(alike, {}, [], NOTHING, NO_PROBES, [], split="test")
    assert "## Set" not in page
    assert "## By day: 1 pair" in page


def test_score_table__bold_is_best_in_each_direction(pairs: pd.DataFrame) -> None:
    summary = summarise(pairs)
    header, _, *rows = score_table(summary[summary["group"] == "all"]).splitlines()
    assert header == f"|  | EN | {LESS_IS_BETTER} ↓ | mean rank |"
    cells = {row.split(" | ")[0].strip("| "): row.strip("| ").split(" | ") for row in rows}
    assert cells["stage two"][1:3] == ["**0.900**", "0.900"]
    assert cells["mean"][1:3] == ["0.600", "**0.600**"]


def test_score_table__best_mean_rank_first(pairs: pd.DataFrame) -> None:
    summary = summarise(pairs.drop(columns=LESS_IS_BETTER))
    rows = score_table(summary[summary["group"] == "all"]).splitlines()[2:]
    assert [row.split(" | ")[0].strip("| ") for row in rows] == ["stage two", "max", "mean"]


def test_probe_table__best_first_with_intervals() -> None:
    header, _, *rows = probe_table(PROBES).splitlines()
    assert header == "|  | mean IoU | AP50 |"
    assert rows == ["| max | 0.600 | 0.250 |", "| ir | 0.400 (0.300 to 0.500) | - |"]
