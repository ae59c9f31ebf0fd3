"""The label-free checks as rows of a table, with what each is and what a bad value looks like."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ssvif.report.data import ReportData
from ssvif.report.tables import Cell
from ssvif.report.terms import number

# By the keys of `branches` in metrics.json: what it is, and what a bad value looks like.
_TEXTS = {
    "agreement": (
        "share of positions with the same prototype in both segmentations",
        "near 1 with few prototypes in use: the branches have collapsed",
    ),
    "agreement_over_chance": (
        "Cohen's kappa of the two segmentations",
        "near 0: they agree no more than chance would",
    ),
    "effective_prototypes_feature_level": (
        "exp(entropy) of the prototypes' shares, feature level",
        "near 1: everything is one class",
    ),
    "effective_prototypes_pixel_level": (
        "exp(entropy) of the prototypes' shares, pixel level",
        "near 1: everything is one class",
    ),
    "effective_prototypes_share": (
        "the lesser of the two over the number of prototypes",
        "below a quarter: most prototypes are dead",
    ),
    "prototypes": ("how many prototypes there are", ""),
}


@dataclass(frozen=True)
class Check:
    """A label-free check: its name, what it is, what a bad value looks like, a cell a model."""

    name: str
    title: str
    bad: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Checks:
    """Every check of every model: names of the columns, and the rows."""

    models: tuple[str, ...]
    rows: tuple[Check, ...]


def check_table(data: ReportData) -> Checks | None:
    """Return the checks, those of the two branches first; None if there are none."""
    found: dict[str, dict[str, float]] = {}
    for part in (data.facts.get("branches", {}), data.checks):
        for model, values in part.items():
            found.setdefault(model, {}).update(values)
    names = dict.fromkeys(name for values in found.values() for name in values)
    if not names:
        return None
    return Checks(tuple(found), tuple(_check(name, found) for name in names))


def _check(name: str, found: Mapping[str, Mapping[str, float | None]]) -> Check:
    title, bad = _TEXTS.get(name, ("", ""))
    values = [values.get(name) for values in found.values()]
    places = 0 if all(value is None or isinstance(value, int) for value in values) else 3
    cells = tuple(Cell(number(math.nan if value is None else value, places)) for value in values)
    return Check(name.replace("_", " "), title, bad, cells)
