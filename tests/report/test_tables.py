from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from ssvif.report.data import ReportData, read_report
from ssvif.report.tables import comparisons, group_tables, probe_table, score_table


@pytest.fixture
def data(evaluation_folder: Path) -> ReportData:
    return read_report(evaluation_folder)


def test_score_table__best_rank_first_and_best_cells_marked(data: ReportData) -> None:
    table = score_table(data)
    ranks = [float(row.cells[0].text) for row in table.rows]
    assert ranks == sorted(ranks)
    for column in range(1, len(table.terms) + 1):
        cells = [row.cells[column] for row in table.rows]
        best = max(cells, key=lambda cell: float(cell.text.replace("\N{MINUS SIGN}", "-")))
        assert best.best
        assert sum(cell.best for cell in cells) == 1


def test_score_table__intervals_stand_with_their_means(data: ReportData) -> None:
    mean = data.overall.loc["stage_two", "EN"]
    (row,) = [row for row in score_table(data).rows if row.candidate == "stage_two"]
    assert row.cells[1].text == f"{mean:.3f}"
    assert row.cells[1].interval == f"{mean - 0.03:.3f}\N{EN DASH}{mean + 0.03:.3f}"


def test_score_table__lower_is_better_where_the_metric_says_so(data: ReportData) -> None:
    lower = next((t for t in score_table(data).terms if not t.higher_is_better), None)
    assert lower is None, "the standard set has gained a metric to be minimised: test its marks"


def test_group_tables__one_for_each_set_and_light(data: ReportData) -> None:
    titles = [table.title for table in group_tables(data)]
    assert titles == [
        "Set None, 4 pairs",
        "Set roads, 4 pairs",
        "Light day, 4 pairs",
        "Light night, 4 pairs",
    ]


def statistics(**changes: object) -> pd.DataFrame:
    row = {"metric": "EN", "candidate": "stage_two", "reference": "max", "difference": 0.25}
    row |= {"low": 0.125, "high": 0.5, "p": 0.01, "p_holm": 0.02, "effect": 0.75}
    return pd.DataFrame([{**row, "pairs": 8, "blocks": 6, **changes}])


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "better"),
        ({"difference": -0.25}, "worse"),
        ({"p_holm": 0.05}, "unclear"),
        ({"p_holm": float("nan")}, "unknown"),
        ({"blocks": 5, "p_holm": 0.0625}, "unknown"),  # the least that five blocks can give
    ],
)
def test_comparisons__verdict_follows_direction_and_p(
    data: ReportData, changes: dict[str, object], verdict: str
) -> None:
    (found,) = comparisons(replace(data, statistics=statistics(**changes)), "stage_two")
    assert found.differences[0].verdict == verdict


def test_comparisons__are_turned_towards_the_candidate(data: ReportData) -> None:
    data = replace(data, statistics=statistics())
    (forward,), (backward,) = comparisons(data, "stage_two"), comparisons(data, "max")
    assert (forward.rival, backward.rival) == ("max", "stage_two")
    assert forward.differences[0].interval == "+0.125 to +0.500"
    assert backward.differences[0].interval == "\N{MINUS SIGN}0.500 to \N{MINUS SIGN}0.125"
    assert backward.differences[0].effect == "\N{MINUS SIGN}0.75"
    assert backward.differences[0].verdict == "worse"


def test_probe_table__best_mean_first_and_gaps_are_dashes() -> None:
    rows = pd.DataFrame(
        [("vis", "all", 0.3), ("ir", "all", 0.4), ("ir", "car", 0.5)],
        columns=["candidate", "class", "mean"],
    ).assign(low=0.1, high=0.6)
    table = probe_table(rows, ["all", "car"])
    assert [row.candidate for row in table] == ["ir", "vis"]
    assert [cell.text for cell in table[1].cells] == ["0.300", "\N{EN DASH}"]
    assert [cell.best for cell in table[0].cells] == [True, True]
