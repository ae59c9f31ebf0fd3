from dataclasses import replace
from pathlib import Path

import pytest

from ssvif.evaluation.agreement import BranchAgreement
from ssvif.report.checks import check_table
from ssvif.report.data import ReportData, read_report


@pytest.fixture
def data(evaluation_folder: Path) -> ReportData:
    return read_report(evaluation_folder)


def test_check_table__joins_branches_and_checks_by_model(data: ReportData) -> None:
    branches = {"stage_two": {"agreement_over_chance": 0.5, "prototypes": 16}}
    found = check_table(replace(data, facts={"branches": branches}))
    assert found.models == ("stage_two", "stage_one")
    cells = {row.name: [cell.text for cell in row.cells] for row in found.rows}
    assert cells == {
        "agreement over chance": ["0.500", "\N{EN DASH}"],
        "prototypes": ["16", "\N{EN DASH}"],
        "agreement": ["0.750", "0.600"],
    }


def test_check_table__every_figure_of_the_branches_is_explained(data: ReportData) -> None:
    figures = BranchAgreement(0.5, 0.4, 3.0, 3.0, 0.7, 4).as_dict()
    found = check_table(replace(data, checks={}, facts={"branches": {"stage_two": figures}}))
    assert len(found.rows) == len(figures)
    assert all(row.title for row in found.rows)
    assert [row.name for row in found.rows if not row.bad] == ["prototypes"]


def test_check_table__a_value_that_is_not_known_is_a_dash(data: ReportData) -> None:
    found = check_table(replace(data, checks={"stage_two": {"flicker": None}}, facts={}))
    assert found.rows[0].cells[0].text == "\N{EN DASH}"


def test_check_table__nothing_to_show(data: ReportData) -> None:
    assert check_table(replace(data, checks={}, facts={})) is None
