"""The page's charts: how learnt and new pairs spread, and how the index went over time."""

from collections.abc import Sequence
from math import nan

import numpy as np
import pandas as pd
from markupsafe import Markup

from ssvif.drift.measure import Drift
from ssvif.drift.measures import BY_NAME, PROTOTYPES, SCALARS
from ssvif.drift.statistics import Floats
from ssvif.report.charts import Chart
from ssvif.report.figures import WIDTH, Line, lines
from ssvif.report.svg import Scale, drawing, element, tick_label
from ssvif.report.terms import percent

LEARNT, NEW = "hue-rest", "hue-0"

_HEIGHT = 170.0
_BOTTOM = _HEIGHT - 34.0
_LEFT, _RIGHT, _TOP = 40.0, WIDTH - 14.0, 8.0
_BINS = 24
_CUT = 0.01  # of the pairs on either side, that single ones do not squeeze the rest
_MEASUREMENTS = 40  # of the trend, the latest
_DATES = 4  # of them that are written out


def distribution_charts(drift: Drift) -> list[Chart]:
    """Draw what learnt and new pairs have of every measure, as shares of pairs."""
    charts = []
    for measure in SCALARS:
        if measure.name in drift.reference.columns and measure.name in drift.new.columns:
            sides = [
                side[measure.name].to_numpy(np.float64) for side in (drift.reference, drift.new)
            ]
            svg = _histogram(*sides, title=measure.title, unit=measure.unit)
            charts.append(Chart(_opening(measure.title), "", svg))
    if drift.prototypes is not None:
        charts.append(_prototype_chart(drift, drift.prototypes))
    return charts


def trend_chart(history: pd.DataFrame, limit: float) -> Markup | None:
    """Draw the index of every measure over the measurements, for all new pairs together.

    Args:
        history: See `read_history`.
        limit: Above which a shift matters.

    Returns:
        None where nothing was judged more than once.
    """
    rows = history[(history["set"] == "") & history["psi"].notna()]
    states = list(dict.fromkeys(zip(rows["bundle"], rows["manifest"], strict=True)))
    states = states[-_MEASUREMENTS:]
    if len(states) < 2:
        return None
    place = {state: float(index) for index, state in enumerate(states)}
    keys = list(zip(rows["bundle"], rows["manifest"], strict=True))
    # What is no longer among the latest has no place.
    rows = rows.assign(x=np.array([place.get(key, nan) for key in keys])).dropna(subset=["x"])
    series = []
    for number, measure in enumerate(BY_NAME.values()):
        own = rows[rows["measure"] == measure.name]
        points = list(zip(own["x"], own["psi"], strict=True))
        if points:
            series.append(Line(measure.name.replace("_", " "), f"hue-{number}", points))
    bound = Line("limit", "hue-rest", [(0.0, limit), (float(len(states) - 1), limit)])
    dates = rows.drop_duplicates("x").set_index("x")["time"]
    every = -(-len(states) // _DATES)
    labels = [
        str(dates[float(index)])[:10] if index % every == 0 else " " for index in range(len(states))
    ]
    return lines(
        [*series, bound],
        title="stability index of every measure over the measurements",
        x_name="measurement",
        x_labels=labels,
        zero=True,
    )


def _prototype_chart(drift: Drift, shares: pd.DataFrame) -> Chart:
    tables = [shares[shares.index.isin(side["id"])] for side in (drift.reference, drift.new)]
    means = [table.mean().to_numpy(np.float64) for table in tables]
    names = [f"prototype {number + 1}" for number in range(shares.shape[1])]
    x = Scale(0.5, shares.shape[1] + 0.5, _LEFT, _RIGHT)
    measure = BY_NAME[PROTOTYPES]
    svg = _bars(*means, x=x, names=names, title=measure.title, unit="number of the prototype")
    note = f"shares of pixels, in {len(tables[0])} learnt and {len(tables[1])} new pairs"
    return Chart(_opening(measure.title), note, svg)


def _histogram(reference: Floats, new: Floats, *, title: str, unit: str) -> Markup:
    ends = [np.quantile(side, [_CUT, 1.0 - _CUT]) for side in (reference, new) if len(side)]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _BINS + 1)
    shares = [
        np.histogram(side.clip(low, high), edges)[0] / max(len(side), 1)
        for side in (reference, new)
    ]
    labels = [f"{edge:.3g}" for edge in edges.tolist()]
    names = [f"{labels[place]} to {labels[place + 1]}" for place in range(_BINS)]
    x = Scale(float(low), float(high), _LEFT, _RIGHT)
    return _bars(*shares, x=x, names=names, title=title, unit=unit)


def _bars(
    reference: Floats, new: Floats, *, x: Scale, names: Sequence[str], title: str, unit: str
) -> Markup:
    """Draw shares of learnt pairs as filled steps, and of new pairs as a line over them."""
    count = len(names)
    y = Scale(0.0, 1.05 * max(reference.max(), new.max()), _BOTTOM, _TOP)
    edges = np.linspace(x.start, x.end, count + 1).round(1).tolist()
    parts = [_axes(x, y, unit)]
    for shares, hue, css in ((reference, LEARNT, "area"), (new, NEW, "line")):
        tops = [y(share) for share in shares.tolist()]
        steps = "".join(f"V{top}H{right}" for top, right in zip(tops, edges[1:], strict=True))
        path = f"M{edges[0]} {_BOTTOM}{steps}V{_BOTTOM}"
        drawn = element("path", d=path, class_="band" if css == "area" else "line")
        if css == "area":
            drawn += element("path", d=path, class_="line")
        parts.append(element("g", drawn, class_=hue))
    for place, name in enumerate(names):
        tip = f"{name}: {percent(reference[place])} of the learnt, {percent(new[place])} of the new"
        parts.append(
            element(
                "rect", x=edges[place], y=_TOP, width=round(edges[place + 1] - edges[place], 1),
                height=_BOTTOM - _TOP, class_="hit", data_tip=tip,
            )
        )  # fmt: skip
    svg = drawing(parts, width=WIDTH, height=_HEIGHT, title=f"{title} of learnt and new pairs")
    return element("div", svg, class_="chart")


def _axes(x: Scale, y: Scale, unit: str) -> Markup:
    parts = []
    for tick in y.ticks(3):
        parts.append(element("path", d=f"M{_LEFT} {y(tick)}H{_RIGHT}", class_="grid"))
        where = {"x": _LEFT - 6, "y": round(y(tick) + 4, 1)}
        parts.append(element("text", percent(tick), **where, class_="tick end"))
    parts.append(element("path", d=f"M{_LEFT} {_BOTTOM}H{_RIGHT}", class_="axis"))
    for tick in x.ticks():
        label = tick_label(tick)
        parts.append(element("text", label, x=x(tick), y=_BOTTOM + 14, class_="tick middle"))
    middle = (_LEFT + _RIGHT) / 2
    parts.append(element("text", unit, x=middle, y=_BOTTOM + 29, class_="tick middle"))
    return Markup("").join(parts)


def _opening(title: str) -> str:
    return f"{title[0].upper()}{title[1:]}"
