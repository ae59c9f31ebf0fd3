"""The page's groups of charts: distributions, the dynamic weight, probes, stress."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from ssvif.evaluation.corruptions import BY_NAME as DEGRADATIONS
from ssvif.evaluation.schedule import PANELS, PREFIX
from ssvif.report.data import ReportData
from ssvif.report.figures import Interval, Line, Values, distribution, intervals, lines
from ssvif.report.findings import PROBE_SCORES
from ssvif.report.svg import tick_label
from ssvif.report.tables import Row, by_mean, probe_table
from ssvif.report.terms import DASH, PROBE_METRIC, Term, decimals, in_order, name_of, number, term

_SCHEDULE_NOTES = {
    "weight": "how strongly consistency pulls at the fusion network",
    "factors": "the weight is their product, cut at its greatest value",
    "gradient norms": "moving averages, at the fusion network's parameters",
    "trust": "between the branches, and between shifted crops",
    "losses": "all fusion terms, and consistency",
}
# Shades of loss in the summary of the stress: from no loss to a quarter and more.
_SHADES = (0.01, 0.03, 0.08, 0.15, 0.25)


@dataclass(frozen=True)
class Chart:
    """A drawing with its heading.

    Args:
        title: In bold.
        note: After it.
        svg: The drawing.
        tip: A definition, shown on hovering.
        key: The metric, where the script looks values up.
    """

    title: str
    note: str
    svg: Markup
    tip: str = ""
    key: str = ""


@dataclass(frozen=True)
class Probe:
    """A task and score of the probes.

    Args:
        title: The task and the score.
        repetitions: How often each probe was trained.
        charts: The mean over the classes, then every class that some probe found.
        unseen: The classes that none found.
        classes: Their names, `mean` first.
        rows: The same as a table.
    """

    title: str
    repetitions: int
    charts: tuple[Chart, ...]
    unseen: tuple[str, ...]
    classes: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Shade:
    """A cell of the stress summary: relative change, both scores, and a class for its shade."""

    text: str
    tip: str
    css: str


@dataclass(frozen=True)
class Stress:
    """One metric under every degradation.

    Args:
        term: The metric.
        charts: One a degradation.
        candidates: Columns of the summary.
        summary: By degradation, one shade a candidate: the change at the worst severity.
    """

    term: Term
    charts: tuple[Chart, ...]
    candidates: tuple[str, ...]
    summary: Mapping[str, tuple[Shade, ...]]


def distribution_charts(data: ReportData, hues: Mapping[str, str]) -> list[Chart]:
    """Draw every metric's scores over the pairs, one row a candidate."""
    charts = []
    for metric in data.metrics:
        about = term(metric)
        table = data.pairs.pivot_table(
            index="id", columns="candidate", values=metric, sort=False, dropna=False
        )
        order = [name for name in map(str, data.overall.index) if name in table.columns]
        rows = [Values(name_of(name), hues[name], table[name].tolist()) for name in order]
        places = decimals(float(table.abs().max().max()))
        title = f"{about.acronym}, {about.title}, by candidate over pairs"
        svg = distribution(rows, title=title, places=places)
        charts.append(_metric_chart(about, svg))
    return charts


def schedule_charts(rows: Sequence[tuple[int, Mapping[str, float]]]) -> list[Chart]:
    """Draw the dynamic weight of a stage-two run, and all that it is made of."""
    charts = []
    for title, names in PANELS:
        series = []
        for place, name in enumerate(names):
            points = [(float(s), row[PREFIX + name]) for s, row in rows if PREFIX + name in row]
            if any(math.isfinite(value) for _, value in points):
                short = name.rpartition("/")[2].removeprefix("mean_").replace("_norm", "")
                series.append(Line(short.replace("_", " "), f"hue-{place}", points))
        if series:
            svg = lines(series, title=f"{title} over steps", x_name="step", zero=True)
            charts.append(Chart(title, _SCHEDULE_NOTES.get(title, ""), svg))
    return charts


def probes(data: ReportData, hues: Mapping[str, str]) -> list[Probe]:
    """Draw and tabulate what the probes found, by task and score."""
    if data.probe_summary is None:
        return []
    groups = data.probe_summary.groupby(["task", "score"], sort=False)
    return [_probe(str(task), str(score), rows, hues) for (task, score), rows in groups]


def stress(data: ReportData, hues: Mapping[str, str]) -> list[Stress]:
    """Draw every metric under every degradation."""
    if data.stress is None:
        return []
    # What a segmenter makes of it comes first: it is what fusion is for.
    order = [PROBE_METRIC, *data.standard, *data.stress["metric"].unique()]
    present = [m for m in dict.fromkeys(order) if (data.stress["metric"] == m).any()]
    return [_stress(term(m), data.stress[data.stress["metric"] == m], hues) for m in present]


def _metric_chart(about: Term, svg: Markup) -> Chart:
    unit = f", {about.unit}" if about.unit else ""
    note = f"{about.title}{unit}"
    return Chart(f"{about.acronym} {about.arrow}", note, svg, tip=about.definition, key=about.key)


def _probe(task: str, score: str, rows: pd.DataFrame, hues: Mapping[str, str]) -> Probe:
    order = by_mean(rows)
    classes = sorted(rows["class"].unique(), key=lambda name: name != "all")
    # Nothing to see where nobody found anything; the table says so.
    seen = [name for name in classes if name == "all" or rows["mean"][rows["class"] == name].any()]
    charts = []
    for name in seen:
        found = {r["candidate"]: r for r in rows[rows["class"] == name].to_dict("records")}
        marks = [
            Interval(
                name_of(candidate),
                hues[candidate],
                *(found[candidate][column] for column in ("mean", "low", "high")),
            )
            for candidate in order
            if candidate in found
        ]
        title = "mean over classes" if name == "all" else name
        svg = intervals(marks, title=f"{task}, {title}", places=3)
        charts.append(Chart(title, "", svg))
    return Probe(
        title=f"{task}: {PROBE_SCORES.get(score, score)}",
        repetitions=int(rows["repetitions"].max()),
        charts=tuple(charts),
        unseen=tuple(name for name in classes if name not in seen),
        classes=tuple("mean" if name == "all" else name for name in classes),
        rows=probe_table(rows, classes),
    )


def _stress(about: Term, rows: pd.DataFrame, hues: Mapping[str, str]) -> Stress:
    candidates = in_order(rows["candidate"])
    charts, summary = [], {}
    for degradation, members in rows.groupby("degradation", sort=False):
        known = DEGRADATIONS.get(str(degradation))
        title = known.title if known else str(degradation).replace("_", " ")
        svg = _stress_lines(title, about, members, candidates, hues)
        charts.append(Chart(title, "", svg, tip=f"As from {known.models}." if known else ""))
        summary[title] = tuple(
            _shade(about, members[members["candidate"] == name]) for name in candidates
        )
    return Stress(about, tuple(charts), tuple(candidates), summary)


def _stress_lines(
    title: str, about: Term, rows: pd.DataFrame, candidates: Sequence[str], hues: Mapping[str, str]
) -> Markup:
    steps = rows.drop_duplicates("severity").sort_values("severity")
    unit = next((str(unit) for unit in steps["unit"] if unit), "")
    levels = [
        "clean" if severity == 0 else tick_label(level)
        for severity, level in zip(steps["severity"], steps["level"], strict=True)
    ]
    place = {severity: float(index) for index, severity in enumerate(steps["severity"])}
    series = []
    for candidate in candidates:
        own = rows[rows["candidate"] == candidate].sort_values("severity")
        points = [(place[s], v) for s, v in zip(own["severity"], own["score"], strict=True)]
        if any(math.isfinite(value) for _, value in points):
            series.append(Line(name_of(candidate), hues[candidate], points))
    if not series:
        return Markup("")
    return lines(series, title=f"{about.acronym}: {title}", x_name=unit, x_labels=levels)


def _shade(about: Term, rows: pd.DataFrame) -> Shade:
    """Compare the worst severity with clean images."""
    scores = rows.sort_values("severity")["score"].tolist()
    if len(scores) < 2 or not scores[0] or any(v != v for v in (scores[0], scores[-1])):
        return Shade(DASH, "not known", "shade-0")
    change = (scores[-1] - scores[0]) / abs(scores[0])
    loss = -change if about.higher_is_better else change
    places = decimals(max(abs(scores[0]), abs(scores[-1])))
    level = sum(loss >= bound for bound in _SHADES)
    percent = round(100.0 * change)
    text = f"{number(percent, 0, sign=percent != 0)} %"
    tip = f"{number(scores[0], places)} clean, {number(scores[-1], places)} at the worst"
    return Shade(text, tip, f"shade-{level}")
