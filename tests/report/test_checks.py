from ssvif.evaluation.checks import CHECKS
from ssvif.report.checks import check_table


def test_check_table__every_check_says_what_it_is_and_what_is_bad() -> None:
    found = check_table({"stage_two": {check.name: 0.5 for check in reversed(CHECKS)}})
    assert [row.name for row in found.rows] == [check.title for check in CHECKS]
    assert all(row.bad for row in found.rows)


def test_check_table__own_candidates_first_and_gaps_are_dashes() -> None:
    found = check_table({"max": {"halo": 0.25}, "stage_two": {"halo": 12.5, "noise_gain": 1.0}})
    assert found.candidates == ("stage_two", "max")
    assert [[cell.text for cell in row.cells] for row in found.rows] == [
        ["12.50", "0.25"],
        ["1.000", "\N{EN DASH}"],
    ]


def test_check_table__unknown_check_keeps_its_name() -> None:
    found = check_table({"stage_two": {"glow_of_lamps": 1.0}})
    assert [(row.name, row.bad) for row in found.rows] == [("glow of lamps", "")]


def test_check_table__nothing_to_show() -> None:
    assert check_table({}) is None
    assert check_table({"stage_two": {}}) is None
