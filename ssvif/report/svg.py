"""Parts of charts: scales, ticks, escaped elements, labels that keep their distance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from ssvif.report.terms import MINUS

_NOTHING = 1e-9  # a size, and a share of a size, that no chart can show


@dataclass(frozen=True)
class Scale:
    """A straight map from values to places.

    Args:
        low: Value at `start`.
        high: Value at `end`; above `low`.
        start: Place of the least value, in units of the drawing.
        end: Place of the greatest.
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value, to a tenth."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, count: int = 4) -> list[float]:
        """Return about `count` round values inside the scale."""
        step = _round_step((self.high - self.low) / count)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [place * step for place in range(first, last + 1)]


def scale_over(values: Sequence[float], *, start: float, end: float, zero: bool = False) -> Scale:
    """Return a scale that shows all values with a little air.

    Args:
        values: What must fit; numbers that are not finite are passed over.
        start: Place of the least.
        end: Place of the greatest.
        zero: Whether zero must be seen.
    """
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    largest = max(abs(low), abs(high))
    reach = largest if largest > _NOTHING else 1.0
    if high - low <= _NOTHING * reach:
        # A flat line sits in the middle, and so does what floats can hardly tell from it.
        low, high = low - reach / 2, high + reach / 2
    air = 0.04 * (high - low)
    bottom = low if zero and low == 0.0 else low - air
    return Scale(low=bottom, high=high + air, start=start, end=end)


def tick_label(value: float) -> str:
    """Write a tick's value as short as it is."""
    text = f"{value:.6g}"
    return "0" if text == "-0" else text.replace("-", MINUS)


def element(tag: str, content: str | Markup = "", **attributes: object) -> Markup:
    """Return one element, everything in it escaped; `class_` and `data_tip` name attributes."""
    pairs = Markup("").join(
        Markup(' {}="{}"').format(name.rstrip("_").replace("_", "-"), value)
        for name, value in attributes.items()
    )
    return Markup("<{0}{1}>{2}</{0}>").format(tag, pairs, escape(content))


def drawing(parts: Sequence[Markup], *, width: float, height: float, title: str) -> Markup:
    """Return an SVG of a size in pixels that shrinks with the page."""
    return element(
        "svg",
        Markup("").join(parts),
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=title,
    )


def shorten(text: str, length: int) -> str:
    """Cut a text in its middle."""
    if len(text) <= length:
        return text
    half = (length - 1) // 2
    return f"{text[: length - 1 - half]}…{text[-half:]}"


def keep_apart(places: Sequence[float], distance: float, *, low: float, high: float) -> list[float]:
    """Move places as little as it takes to stand `distance` apart, between `low` and `high`."""
    order = sorted(range(len(places)), key=places.__getitem__)
    moved = list(places)
    bottom = low
    for index in order:
        moved[index] = max(moved[index], bottom)
        bottom = moved[index] + distance
    top = high
    for index in reversed(order):
        moved[index] = min(moved[index], top)
        top = moved[index] - distance
    return moved


def _round_step(raw: float) -> float:
    power = float(10.0 ** math.floor(math.log10(raw)))
    return next(step * power for step in (1.0, 2.0, 2.5, 5.0, 10.0) if step * power >= raw * 0.999)
