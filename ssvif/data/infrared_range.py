"""The range of raw values of one infrared camera, over many of its images together.

Never image by image: equal temperatures keep equal grey values.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from ssvif.data.images import ImageSource, RawImage, infrared_depth, read_infrared_raw
from ssvif.errors import ImageError
from ssvif.threads import cores, in_threads

EIGHT_BITS = (0.0, 255.0)  # the range of what needs no scaling

_RANKS = 4096  # values that stand for an image of floats
# Of many images: where there are more, fewer stand for them, so that memory stays bounded.
_MOST_VALUES = 1 << 22
_FEWER_VALUES = 1 << 20

Values = npt.NDArray[np.float64]


def is_deep(path: ImageSource) -> bool:
    """Tell whether an infrared image has more than 8 bits; one that cannot be read has not."""
    try:
        return infrared_depth(path) > 8
    except ImageError:
        return False


@dataclass
class RawValues:
    """How often raw values are found, in infrared images of more than 8 bits.

    Args:
        images: How many such files there are, with those that cannot be read.
        counts: Of each value of 16 bits.
        floats: Other values, and those that stand for them.
        weights: How many pixels each of these stands for.
    """

    images: int = 0
    counts: Values = field(default_factory=lambda: np.zeros(1 << 16))
    floats: Values = field(default_factory=lambda: np.zeros(0))
    weights: Values = field(default_factory=lambda: np.zeros(0))

    def join(self, others: Iterable["RawValues"]) -> None:
        """Add what was found in other files."""
        parts, size = [(self.floats, self.weights)], self.floats.size
        for other in others:
            self.images += other.images
            self.counts += other.counts
            if other.floats.size:
                parts.append((other.floats, other.weights))
                size += other.floats.size
            if size > _MOST_VALUES:
                parts = [_thinned(*_concatenated(parts), _FEWER_VALUES)]
                size = _FEWER_VALUES
        self.floats, self.weights = _concatenated(parts)

    def range(self, percentiles: tuple[float, float]) -> tuple[float, float] | None:
        """Find black and white: see `percentile_range`."""
        values = np.concatenate([np.arange(self.counts.size, dtype=float), self.floats])
        weights = np.concatenate([self.counts, self.weights])
        return percentile_range(values, weights, percentiles)


def raw_values(paths: Iterable[ImageSource], *, max_pixels: int) -> RawValues:
    """Count the raw values of all infrared images that have more than 8 bits.

    Every pixel counts. Images that cannot be read, and values that are not numbers, do not. Images
    are read by a thread a core.

    Args:
        paths: Infrared images.
        max_pixels: The most pixels of an image that are decoded.
    """
    found = RawValues()
    read = in_threads(partial(_of_image, max_pixels=max_pixels), paths, threads=cores())
    found.join(values for values in read if values is not None)
    return found


def common_range(
    paths: Iterable[ImageSource], *, percentiles: tuple[float, float], max_pixels: int
) -> tuple[float, float] | None:
    """Find the range of raw values of all infrared images that have more than 8 bits.

    Args:
        paths: Infrared images.
        percentiles: Of the raw values: what is shown black, what is shown white.
        max_pixels: The most pixels of an image that are decoded.

    Returns:
        Raw values of black and white, black < white, or None if there are none to go by.
    """
    return raw_values(paths, max_pixels=max_pixels).range(percentiles)


def _of_image(path: ImageSource, *, max_pixels: int) -> RawValues | None:
    if not is_deep(path):
        return None
    try:
        raw = read_infrared_raw(path, max_pixels=max_pixels)
    except ImageError:
        return RawValues(images=1)
    if raw.dtype == np.float32:
        values, weights = _of_floats(raw)
        return RawValues(images=1, floats=values, weights=weights)
    return RawValues(images=1, counts=np.bincount(raw.ravel(), minlength=1 << 16).astype(float))


def _of_floats(raw: RawImage) -> tuple[Values, Values]:
    """Values evenly spaced in rank, and how many pixels each stands for."""
    ordered = np.sort(raw[np.isfinite(raw)]).astype(float)
    count = min(_RANKS, ordered.size)
    ranks = ((np.arange(count) + 0.5) * (ordered.size / max(count, 1))).astype(int)
    return ordered[ranks], np.full(count, ordered.size / max(count, 1))


def _concatenated(parts: Sequence[tuple[Values, Values]]) -> tuple[Values, Values]:
    floats, weights = zip(*parts, strict=True)
    return np.concatenate(floats), np.concatenate(weights)


def _thinned(values: Values, weights: Values, count: int) -> tuple[Values, Values]:
    """Of weighted values so many evenly spaced in rank, and the weight that each stands for."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    step = reached[-1] / count
    ranks = np.searchsorted(reached, (np.arange(count) + 0.5) * step)
    return values[order][ranks], np.full(count, step)


def percentile_range(
    values: Values, weights: Values, percentiles: tuple[float, float]
) -> tuple[float, float] | None:
    """Find percentiles of weighted values.

    Args:
        values: In any order.
        weights: How often each one is there.
        percentiles: The lower and the upper one.

    Returns:
        low < high, or None where nothing has weight.
    """
    order = np.argsort(values[weights > 0], kind="stable")
    values, reached = values[weights > 0][order], np.cumsum(weights[weights > 0][order])
    if not values.size:
        return None
    places = np.searchsorted(reached, np.array(percentiles) / 100.0 * reached[-1])
    low, high = (float(value) for value in values[places.clip(max=values.size - 1)])
    return (low, high) if low < high else (low, low + 1.0)
