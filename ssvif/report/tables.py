"""The tables of the page: scores, comparisons, probes, stress, as text ready to be shown."""

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from ssvif.evaluation.statistics import holm_can_pass
from ssvif.report.data import ReportData
from ssvif.report.terms import DASH, Term, chance, decimals, in_order, name_of, number, term

ALPHA = 0.05  # below it, Holm's p calls a difference clear
Verdict = Literal["better", "worse", "unclear", "unknown"]


@dataclass(frozen=True)
class Cell:
    """One figure: its text, its interval (empty if unknown) and whether it is the best."""

    text: str
    interval: str = ""
    best: bool = False


@dataclass(frozen=True)
class Row:
    """One candidate of a table, with as many cells as there are columns."""

    candidate: str
    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class ScoreTable:
    """Candidates by metrics.

    Args:
        title: What it is over.
        terms: The metrics.
        rows: best mean rank first; the first cell is the mean rank.
    """

    title: str
    terms: tuple[Term, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Difference:
    """How a candidate differs from a rival in one metric.

    Args:
        term: The metric.
        value: Its mean less the rival's.
        text: The same for people.
        interval: Of the difference.
        p: Holm's p.
        effect: Effect size.
        verdict: Whether the candidate is clearly better or worse; `unknown` without a p,
            or with so few blocks that no difference could pass Holm's correction.
    """

    term: Term
    value: float
    text: str
    interval: str
    p: str
    effect: str
    verdict: Verdict


@dataclass(frozen=True)
class Comparison:
    """A candidate against one rival, metric by metric, over so many pairs and blocks."""

    rival: str
    name: str
    differences: tuple[Difference, ...]
    counts: str


def score_table(data: ReportData) -> ScoreTable:
    """Return the means over all pairs, with their intervals where they are known."""
    return _table("All pairs", data.overall, data.standard, _bounds(data.intervals))


def group_tables(data: ReportData) -> list[ScoreTable]:
    """Return the means of each set and each light, where there is more than one of them."""
    tables = []
    for group in ("set", "light"):
        rows = data.summary[data.summary["group"] == group]
        if rows["value"].nunique() < 2:
            continue
        for value, members in rows.groupby("value"):
            title = f"{group.capitalize()} {value}, {_pairs(int(members['pairs'].max()))}"
            members = members.sort_values(["mean_rank", "candidate"]).set_index("candidate")
            tables.append(_table(title, members, data.standard, {}))
    return tables


def comparisons(data: ReportData, candidate: str) -> list[Comparison]:
    """Return a candidate against every rival that it was compared with."""
    if data.statistics is None:
        return []
    table = _towards(data.statistics, candidate)
    order = {name: place for place, name in enumerate(data.overall.index)}
    rivals = sorted(table["reference"].unique(), key=lambda name: order.get(name, len(order)))
    return [_comparison(rival, table[table["reference"] == rival]) for rival in rivals]


def probe_table(rows: pd.DataFrame, classes: Sequence[str]) -> tuple[Row, ...]:
    """Return candidates by classes for one task and score, best mean over classes first."""
    cells: dict[tuple[str, str], Mapping[Hashable, float]] = {
        (r["candidate"], r["class"]): r for r in rows.to_dict("records")
    }
    best = {name: group["mean"].max() for name, group in rows.groupby("class")}
    return tuple(
        Row(
            candidate,
            name_of(candidate),
            tuple(_probe_cell(cells.get((candidate, name)), best[name]) for name in classes),
        )
        for candidate in by_mean(rows)
    )


def by_mean(rows: pd.DataFrame) -> list[str]:
    """Return the candidates of a probe by their mean over the classes, best first."""
    means = rows[rows["class"] == "all"].set_index("candidate")["mean"].to_dict()
    return sorted(in_order(rows["candidate"]), key=lambda name: -means.get(name, -math.inf))


def _table(
    title: str,
    means: pd.DataFrame,
    metrics: Sequence[str],
    bounds: Mapping[tuple[str, str], tuple[float, float]],
) -> ScoreTable:
    ranks = means["mean_rank"]
    columns = [
        [Cell(number(rank, 2), best=bool(rank == ranks.min())) for rank in ranks],
        *(_column(means[metric], bounds, term(metric)) for metric in metrics),
    ]
    rows = tuple(
        Row(str(candidate), name_of(str(candidate)), cells)
        for candidate, cells in zip(means.index, zip(*columns, strict=True), strict=True)
    )
    return ScoreTable(title, tuple(term(metric) for metric in metrics), rows)


def _column(
    values: "pd.Series[float]",
    bounds: Mapping[tuple[str, str], tuple[float, float]],
    metric: Term,
) -> list[Cell]:
    places = decimals(values.abs().max())
    shown = values.round(places)
    best = shown.max() if metric.higher_is_better else shown.min()
    return [
        Cell(
            text=number(value, places),
            interval=_interval(bounds.get((str(candidate), metric.key)), places),
            best=bool(value == best),
        )
        for candidate, value in shown.items()
    ]


def _bounds(intervals: pd.DataFrame | None) -> dict[tuple[str, str], tuple[float, float]]:
    if intervals is None:
        return {}
    rows = intervals.to_dict("records")
    return {(r["candidate"], r["metric"]): (r["low"], r["high"]) for r in rows}


def _interval(bounds: tuple[float, float] | None, places: int, *, sign: bool = False) -> str:
    if bounds is None or any(bound != bound for bound in bounds):
        return ""
    low, high = (number(bound, places, sign=sign) for bound in bounds)
    # A dash between numbers of which one may be negative would be misread.
    return f"{low} to {high}" if sign or min(bounds) < 0.0 else f"{low}{DASH}{high}"


def _towards(statistics: pd.DataFrame, candidate: str) -> pd.DataFrame:
    """Return the rows about a candidate, all of them as candidate less reference."""
    forward = statistics[statistics["candidate"] == candidate]
    backward = statistics[statistics["reference"] == candidate]
    backward = backward[~backward["candidate"].isin(forward["reference"])]
    turned = backward.assign(
        candidate=backward["reference"],
        reference=backward["candidate"],
        difference=-backward["difference"],
        low=-backward["high"],
        high=-backward["low"],
        effect=-backward["effect"],
    )
    return pd.concat([forward, turned], ignore_index=True)


def _comparison(rival: str, rows: pd.DataFrame) -> Comparison:
    differences = tuple(_differences(rows))
    pairs, blocks = int(rows["pairs"].max()), int(rows["blocks"].max())
    counts = f"{_pairs(pairs)} in {blocks} {'block' if blocks == 1 else 'blocks'} of scenes"
    return Comparison(rival, name_of(rival), differences, counts)


def _differences(rows: pd.DataFrame) -> Iterator[Difference]:
    tested = holm_can_pass(int(rows["blocks"].max()), tests=len(rows), level=ALPHA)
    for row in rows.to_dict("records"):
        metric = term(str(row["metric"]))
        value = float(row["difference"])
        largest = max(abs(row[column]) for column in ("difference", "low", "high"))
        places = decimals(largest)
        yield Difference(
            term=metric,
            value=value,
            text=number(value, places, sign=True),
            interval=_interval((row["low"], row["high"]), places, sign=True),
            p=chance(row["p_holm"]),
            effect=number(row["effect"], 2, sign=True),
            verdict=_verdict(value, row["p_holm"] if tested else math.nan, metric),
        )


def _verdict(difference: float, p: float, metric: Term) -> Verdict:
    if p != p:
        return "unknown"
    if p >= ALPHA or difference == 0.0:
        return "unclear"
    return "better" if (difference > 0.0) == metric.higher_is_better else "worse"


def _probe_cell(row: Mapping[Hashable, float] | None, best: float) -> Cell:
    if row is None:
        return Cell(number(math.nan, 3))
    bounds = (row["low"], row["high"])
    return Cell(number(row["mean"], 3), _interval(bounds, 3), best=row["mean"] == best)


def _pairs(count: int) -> str:
    return "1 pair" if count == 1 else f"{count} pairs"
