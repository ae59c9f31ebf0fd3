"""Charts as SVG: rows of dots and boxes, rows of intervals, lines with labels at their ends.

Colours come from CSS classes (`hue-0`, ...), so that they follow the theme; what a mark means
stands in its `data-tip`, which the page shows on hovering or touching.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from markupsafe import Markup

from ssvif.report.svg import (
    Scale,
    drawing,
    element,
    keep_apart,
    scale_over,
    shorten,
    tick_label,
)
from ssvif.report.terms import number

WIDTH = 360.0
_LEFT = 84.0
_RIGHT = 14.0
_ROW = 30.0
_TOP = 6.0
_AXIS = 20.0
_LABEL = 13  # letters that fit to the left of a row

_LINES_HEIGHT = 190.0
_LINES_LEFT = 40.0
_LINES_RIGHT = 86.0
_LINES_LABEL = 12
_LETTER = 12.0  # height of a line of text

_SPREAD = 8.0  # of the dots around their row
_GOLDEN = 0.6180339887498949  # multiples of it, modulo 1, never cluster
_MOST_BINS = 200


@dataclass(frozen=True)
class Values:
    """A row of a distribution: name, colour class and one value a pair, NaN where there is none."""

    name: str
    hue: str
    values: Sequence[float]


@dataclass(frozen=True)
class Interval:
    """A row of intervals: name, colour class, mean and its interval."""

    name: str
    hue: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Line:
    """A line of a chart: name, colour class, and points in the order of x."""

    name: str
    hue: str
    points: Sequence[tuple[float, float]]


def distribution(rows: Sequence[Values], *, title: str, places: int) -> Markup:
    """Draw one row of dots and a box (quartiles; whiskers at 5 and 95 %) for each candidate.

    Args:
        rows: At least one; all over the same pairs in the same order.
        title: What the drawing is called for who cannot see it.
        places: Decimals of the values.
    """
    every = [value for row in rows for value in row.values]
    scale = scale_over(every, start=_LEFT, end=WIDTH - _RIGHT)
    height = _TOP + _ROW * len(rows) + _AXIS
    parts = [_grid(scale, bottom=height - _AXIS)]
    for place, row in enumerate(rows):
        parts.append(_box_row(row, scale, middle=_TOP + _ROW * (place + 0.5), places=places))
    svg = drawing(parts, width=WIDTH, height=height, title=title)
    # The script finds the nearest dot, so it must know the scale.
    span = f"{scale.low:.6g} {scale.high:.6g} {scale.start:g} {scale.end:g}"
    return element("div", svg, class_="chart", data_scale=span)


def intervals(rows: Sequence[Interval], *, title: str, places: int, zero: bool = False) -> Markup:
    """Draw one row with a dot, its interval and the figure for each candidate.

    Args:
        rows: At least one.
        title: What the drawing is called for who cannot see it.
        places: Decimals of the values.
        zero: Whether the axis starts at zero.
    """
    every = [bound for row in rows for bound in (row.mean, row.low, row.high)]
    scale = scale_over(every, start=_LEFT, end=WIDTH - 52.0, zero=zero)
    height = _TOP + 24.0 * len(rows) + _AXIS
    parts = [_grid(scale, bottom=height - _AXIS)]
    for place, row in enumerate(rows):
        parts.append(_interval_row(row, scale, middle=_TOP + 24.0 * (place + 0.5), places=places))
    svg = drawing(parts, width=WIDTH, height=height, title=title)
    return element("div", svg, class_="chart")


def lines(
    series: Sequence[Line],
    *,
    title: str,
    x_name: str,
    zero: bool = False,
    x_labels: Sequence[str] = (),
) -> Markup:
    """Draw lines over a common x, each with its name at its end.

    Args:
        series: At least one, with a point or more; long ones are averaged over bins, and a
            pale band shows the least and greatest value in each.
        title: What the drawing is called for who cannot see it.
        x_name: What x is.
        zero: Whether y starts at zero.
        x_labels: Names of x = 0, 1, ...; without, x is a number.
    """
    binned = [_binned(line) for line in series]
    bottom = _LINES_HEIGHT - 34.0
    y = scale_over(
        [bound for line in binned for _, *bounds in line for bound in bounds],
        start=bottom,
        end=10.0,
        zero=zero,
    )
    xs = sorted({point[0] for line in binned for point in line})
    x = Scale(xs[0], max(xs[-1], xs[0] + 1e-9), _LINES_LEFT, WIDTH - _LINES_RIGHT)
    parts = [_y_axis(y), _x_axis(x, bottom, x_name=x_name, x_labels=x_labels)]
    parts += [_line(line, points, x, y) for line, points in zip(series, binned, strict=True)]
    parts += [_end_labels(series, binned, y, low=12.0, high=bottom)]
    parts += [_bands(series, binned, x, bottom, x_name=x_name, x_labels=x_labels)]
    svg = drawing(parts, width=WIDTH, height=_LINES_HEIGHT, title=title)
    return element("div", svg, class_="chart")


def _grid(scale: Scale, *, bottom: float) -> Markup:
    parts = []
    for tick in scale.ticks():
        place = scale(tick)
        parts.append(element("path", d=f"M{place} {_TOP}V{bottom}", class_="grid"))
        label = tick_label(tick)
        parts.append(element("text", label, x=place, y=bottom + 14, class_="tick middle"))
    return Markup("").join(parts)


def _row_label(name: str, middle: float) -> Markup:
    return element(
        "text",
        shorten(name, _LABEL),
        x=_LEFT - 8,
        y=round(middle + 4, 1),
        class_="label end",
        data_tip=name,
    )


def _box_row(row: Values, scale: Scale, *, middle: float, places: int) -> Markup:
    values = np.asarray(row.values, dtype=np.float64)
    finite = values[np.isfinite(values)]
    parts = [_row_label(row.name, middle)]
    if len(finite):
        low, first, median, third, high = np.percentile(finite, (5, 25, 50, 75, 95)).tolist()
        parts += [
            element("path", d=_dots(values, scale, middle), class_="dots"),
            element("path", d=f"M{scale(low)} {middle}H{scale(high)}", class_="whisker"),
            element(
                "rect",
                x=scale(first),
                y=middle - 5,
                width=max(round(scale(third) - scale(first), 1), 1.0),
                height=10,
                class_="box",
            ),
            element("path", d=f"M{scale(median)} {middle - 7}v14", class_="median"),
        ]
        tip = (
            f"{row.name}: median {number(median, places)}, middle half "
            f"{number(first, places)} to {number(third, places)}, {len(finite)} pairs"
        )
        parts.append(_hit(middle - _ROW / 2, _ROW, tip))
    return element("g", Markup("").join(parts), class_=f"row {row.hue}", data_row=row.name)


def _dots(values: "np.ndarray[tuple[int], np.dtype[np.float64]]", scale: Scale, y: float) -> str:
    """Return one short stroke a value, scattered up and down so that equal ones are told apart."""
    parts = []
    for index, value in enumerate(values.tolist()):
        if math.isfinite(value):
            shift = _SPREAD * (2.0 * (index * _GOLDEN % 1.0) - 1.0)
            parts.append(f"M{scale(value)} {y + shift:.1f}h0")
    return "".join(parts)


def _hit(top: float, height: float, tip: str) -> Markup:
    return element("rect", x=0, y=top, width=WIDTH, height=height, class_="hit", data_tip=tip)


def _interval_row(row: Interval, scale: Scale, *, middle: float, places: int) -> Markup:
    parts = [_row_label(row.name, middle)]
    if math.isfinite(row.mean):
        text = number(row.mean, places)
        tip = f"{row.name}: {text}"
        if math.isfinite(row.low) and math.isfinite(row.high):
            span = f"M{scale(row.low)} {middle}H{scale(row.high)}"
            parts.append(element("path", d=span, class_="interval"))
            tip += f", interval {number(row.low, places)} to {number(row.high, places)}"
        parts += [
            element("circle", cx=scale(row.mean), cy=middle, r=4.5, class_="dot"),
            element("text", text, x=WIDTH - 4, y=middle + 4, class_="value end"),
            _hit(middle - 12, 24, tip),
        ]
    return element("g", Markup("").join(parts), class_=f"row {row.hue}")


def _binned(line: Line) -> list[tuple[float, float, float, float]]:
    """Return x, mean, least and greatest y of at most `_MOST_BINS` bins of a line."""
    points = [point for point in line.points if math.isfinite(point[1])]
    size = -(-len(points) // _MOST_BINS)
    bins = [points[start : start + size] for start in range(0, len(points), max(size, 1))]
    return [
        (group[len(group) // 2][0], sum(ys) / len(ys), min(ys), max(ys))
        for group in bins
        for ys in [[y for _, y in group]]
    ]


def _y_axis(y: Scale) -> Markup:
    parts = []
    for tick in y.ticks():
        line = f"M{_LINES_LEFT} {y(tick)}H{WIDTH - _LINES_RIGHT}"
        parts.append(element("path", d=line, class_="grid"))
        label = tick_label(tick)
        parts.append(
            element("text", label, x=_LINES_LEFT - 6, y=round(y(tick) + 4, 1), class_="tick end")
        )
    return Markup("").join(parts)


def _x_axis(x: Scale, bottom: float, *, x_name: str, x_labels: Sequence[str]) -> Markup:
    ticks = [float(place) for place in range(len(x_labels))] or x.ticks()
    parts = [element("path", d=f"M{_LINES_LEFT} {bottom}H{WIDTH - _LINES_RIGHT}", class_="axis")]
    for tick in ticks:
        label = x_labels[int(tick)] if x_labels else tick_label(tick)
        parts.append(element("text", label, x=x(tick), y=bottom + 14, class_="tick middle"))
    centre = (_LINES_LEFT + WIDTH - _LINES_RIGHT) / 2
    parts.append(element("text", x_name, x=centre, y=bottom + 29, class_="tick middle"))
    return Markup("").join(parts)


def _line(
    line: Line, points: Sequence[tuple[float, float, float, float]], x: Scale, y: Scale
) -> Markup:
    parts = []
    if any(least < greatest for _, _, least, greatest in points):
        there = [f"{x(place)} {y(greatest)}" for place, _, _, greatest in points]
        back = [f"{x(place)} {y(least)}" for place, _, least, _ in reversed(points)]
        parts.append(element("path", d=f"M{'L'.join(there + back)}Z", class_="band"))
    places = [f"{x(place)} {y(mean)}" for place, mean, _, _ in points]
    parts.append(element("path", d=f"M{'L'.join(places)}", class_="line"))
    if len(points) <= 8:
        parts += [
            element("circle", cx=x(place), cy=y(mean), r=2.8, class_="dot")
            for place, mean, _, _ in points
        ]
    return element("g", Markup("").join(parts), class_=line.hue)


def _end_labels(
    series: Sequence[Line],
    binned: Sequence[Sequence[tuple[float, float, float, float]]],
    y: Scale,
    *,
    low: float,
    high: float,
) -> Markup:
    ended = [
        (line, y(points[-1][1])) for line, points in zip(series, binned, strict=True) if points
    ]
    heights = keep_apart([place for _, place in ended], _LETTER, low=low, high=high)
    return Markup("").join(
        element(
            "text",
            shorten(line.name, _LINES_LABEL),
            x=WIDTH - _LINES_RIGHT + 7,
            y=round(height + 4, 1),
            class_=f"ending {line.hue}",
            data_tip=line.name,
        )
        for (line, _), height in zip(ended, heights, strict=True)
    )


def _bands(
    series: Sequence[Line],
    binned: Sequence[Sequence[tuple[float, float, float, float]]],
    x: Scale,
    bottom: float,
    *,
    x_name: str,
    x_labels: Sequence[str],
) -> Markup:
    """Return upright strips that light up a line at x and carry the values there."""
    found: dict[float, list[str]] = {}
    for line, points in zip(series, binned, strict=True):
        for place, mean, _, _ in points:
            found.setdefault(place, []).append(f"{line.name} {tick_label(float(f'{mean:.4g}'))}")
    order = sorted(found)
    middles = [(x(a) + x(b)) / 2 for a, b in pairwise(order)]
    edges = [_LINES_LEFT - 8, *middles, WIDTH - _LINES_RIGHT + 4]
    parts = []
    for place, left, right in zip(order, edges[:-1], edges[1:], strict=True):
        label = x_labels[int(place)] if x_labels else f"{x_name} {tick_label(place)}"
        hit = element(
            "rect",
            x=round(left, 1),
            y=0,
            width=round(right - left, 1),
            height=bottom,
            class_="hit",
            data_tip="\n".join([label, *found[place]]),
        )
        cursor = element("path", d=f"M{x(place)} 8V{bottom}", class_="cursor")
        parts.append(element("g", hit + cursor, class_="strip"))
    return Markup("").join(parts)
