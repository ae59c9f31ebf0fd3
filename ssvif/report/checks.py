"""The label-free checks as rows of a table, with what each is and what a bad value looks like."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ssvif.evaluation.checks import CHECK_BY_NAME
from ssvif.report.tables import Cell
from ssvif.report.terms import decimals, in_order, number


@dataclass(frozen=True)
class CheckRow:
    """A label-free check: its name, its unit, what a bad value looks like, a cell a candidate."""

    name: str
    unit: str
    bad: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class CheckTable:
    """Every check of every candidate: the columns, and the rows."""

    candidates: tuple[str, ...]
    rows: tuple[CheckRow, ...]


def check_table(checks: Mapping[str, Mapping[str, float]]) -> CheckTable | None:
    """Return the checks in the order of their own table; None if there are none.

    Args:
        checks: What checks.json holds, by candidate and check.
    """
    measured = {name for found in checks.values() for name in found}
    if not measured:
        return None
    order = [*CHECK_BY_NAME, *sorted(measured - CHECK_BY_NAME.keys())]
    candidates = in_order(checks)
    rows = tuple(
        _row(name, [checks[candidate].get(name, math.nan) for candidate in candidates])
        for name in order
        if name in measured
    )
    return CheckTable(tuple(candidates), rows)


def _row(name: str, values: list[float]) -> CheckRow:
    places = decimals(max((abs(value) for value in values if value == value), default=0.0))
    cells = tuple(Cell(number(value, places)) for value in values)
    known = CHECK_BY_NAME.get(name)
    if known is None:
        return CheckRow(name.replace("_", " "), "", "", cells)
    return CheckRow(known.title, known.unit, known.bad, cells)
