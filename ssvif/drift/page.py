"""The measurement as one self-contained page, in the reports' look."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from ssvif.drift.figures import LEARNT, NEW, distribution_charts, trend_chart
from ssvif.drift.history import Occasion
from ssvif.drift.measure import TOGETHER, Drift, Finding
from ssvif.drift.measures import BY_NAME, PROTOTYPES
from ssvif.drift.unusual import Shown
from ssvif.drift.words import describe, sentence
from ssvif.report.shell import render_page
from ssvif.report.terms import DASH, chance, decimals, number, percent

_PACKAGE = "ssvif.drift"
_MINUTES = "%d %B %Y, %H:%M"


@dataclass(frozen=True)
class Row:
    """One measure of a group, as cells.

    Args:
        measure: Its title and unit.
        cells: Learnt median, new median, share outside, index, p.
        verdict: What it means, in words.
        css: Class of the verdict.
    """

    measure: str
    cells: tuple[str, ...]
    verdict: str
    css: str


@dataclass(frozen=True)
class Table:
    """A group of new pairs: its title, how many there are, and a row a measure."""

    title: str
    note: str
    rows: tuple[Row, ...]


def render_drift(
    drift: Drift, occasion: Occasion, *, history: pd.DataFrame, unusual: Sequence[Shown]
) -> str:
    """Return the page.

    Args:
        drift: What was found.
        occasion: When, and of what.
        history: All measurements, this one among them; see `read_history`.
        unusual: New pairs to show.
    """
    sections = {
        "sentence": sentence(drift, occasion.champion),
        "about": _about(drift, occasion),
        "lead": list(_lead(drift)),
        "tables": list(_tables(drift)),
        "params": drift.params,
        "charts": distribution_charts(drift) if len(drift.new) else [],
        "trend": trend_chart(history, drift.params.stability_index),
        "unusual": unusual,
        "left_out": drift.left_out,
        "legend": {"learnt": LEARNT, "new": NEW},
        "lineage": {
            "measured": occasion.time.strftime(f"{_MINUTES} %Z").strip(),
            "champion": occasion.champion,
            "champion's bundle": occasion.bundle,
            "pairs that were there": occasion.manifest,
        },
    }
    return render_page("drift.html", sections, package=_PACKAGE)


def _about(drift: Drift, occasion: Occasion) -> str:
    sets = ", ".join(sorted(drift.new["set"].unique()))
    parts = (
        f"{len(drift.new)} new {'pair' if len(drift.new) == 1 else 'pairs'}",
        f"{len(drift.reference)} learnt by {occasion.champion}",
        sets,
        occasion.time.strftime(_MINUTES),
    )
    return " · ".join(part for part in parts if part)


def _lead(drift: Drift) -> Iterator[str]:
    """Yield what the headline leaves out: how far new pairs lie beyond what was learnt."""
    if not drift.judged:
        return
    together = [finding for finding in drift.findings if finding.group == TOGETHER]
    known = [finding for finding in together if not math.isnan(finding.outside)]
    furthest = max(known, key=lambda finding: finding.outside)
    title = BY_NAME[furthest.measure].title
    yield (
        f"{percent(furthest.outside)} of the new pairs lie beyond nearly all that the champion"
        f" learnt in {title}, the measure where most do."
    )
    if drift.undecided and not drift.matters:
        names = ", ".join(dict.fromkeys(BY_NAME[one.measure].title for one in drift.undecided))
        yield (
            f"Differences in {names} are large, but blocks of neighbouring frames are too few or"
            " too different among themselves to tell them from chance."
        )


def _tables(drift: Drift) -> Iterator[Table]:
    for group in dict.fromkeys(finding.group for finding in drift.findings):
        members = [finding for finding in drift.findings if finding.group == group]
        title = group or "All new pairs"
        first = members[0]
        note = f"{first.new_pairs} new, beside {first.reference_pairs} learnt"
        if group != TOGETHER:
            own = int((drift.reference["set"] == group).sum())
            note += f" of {_origin(own, first.reference_pairs)}"
        yield Table(title, note, tuple(_row(one, drift) for one in members))


def _origin(own: int, compared: int) -> str:
    """Say which learnt pairs a set is compared with, of which so many are its own."""
    if own == compared:
        return "this set"
    return f"all sets, {own} of them of this one" if own else "other sets: it is new"


def _row(finding: Finding, drift: Drift) -> Row:
    measure = BY_NAME[finding.measure]
    places = decimals(max(abs(finding.reference_median), abs(finding.new_median)))
    is_content = finding.measure == PROTOTYPES
    medians = (finding.reference_median, finding.new_median)
    cells = (
        *(DASH if is_content else number(value, places) for value in medians),
        percent(finding.outside),
        number(finding.index, 2),
        chance(finding.pvalue),
    )
    unit = f", {measure.unit}" if measure.unit else ""
    return Row(f"{measure.title}{unit}", cells, *_verdict(finding, drift))


def _verdict(finding: Finding, drift: Drift) -> tuple[str, str]:
    if not finding.judged:
        return f"not judged: {finding.reason}", "unclear"
    if finding.matters:
        return describe(finding), "worse"
    if finding.index > drift.params.stability_index:
        return "different, as chance may explain", "unclear"
    if finding.pvalue < drift.params.level:
        return f"a little {describe(finding)}", "unclear"
    return "alike", "better"
