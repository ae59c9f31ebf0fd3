"""The range of raw values of one infrared camera, over many of its images together.

Never image by image: equal temperatures keep equal grey values.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from ssvif.data.images import ImageSource, RawImage, infrared_depth, read_infrared_raw
from ssvif.errors import ImageError

EIGHT_BITS = (0.0, 255.0)  # the range of what needs no scaling

_RANKS = 4096  # values that stand for an image of floats

Values = npt.NDArray[np.float64]


def is_deep(path: ImageSource) -> bool:
    """Tell whether an infrared image has more than 8 bits; one that cannot be read has not."""
    try:
        return infrared_depth(path) > 8
    except ImageError:
        return False


def common_range(
    paths: Iterable[ImageSource], *, percentiles: tuple[float, float], max_pixels: int
) -> tuple[float, float] | None:
    """Find the range of raw values of all infrared images that have more than 8 bits.

    Every pixel counts. Images that cannot be read, and values that are not numbers, do not.

    Args:
        paths: Infrared images.
        percentiles: Of the raw values: what is shown black, what is shown white.
        max_pixels: The most pixels of an image that are decoded.

    Returns:
        Raw values of black and white, black < white, or None if there are none to go by.
    """
    histogram = np.zeros(1 << 16)  # of the 16-bit images
    values, weights = [np.arange(histogram.size, dtype=float)], [histogram]
    for path in filter(is_deep, paths):
        try:
            raw = read_infrared_raw(path, max_pixels=max_pixels)
        except ImageError:
            continue
        if raw.dtype == np.float32:
            some, weight = _of_floats(raw)
            values.append(some)
            weights.append(weight)
        else:
            histogram += np.bincount(raw.ravel(), minlength=histogram.size)
    return percentile_range(np.concatenate(values), np.concatenate(weights), percentiles)


def _of_floats(raw: RawImage) -> tuple[Values, Values]:
    """Values evenly spaced in rank, and how many pixels each stands for."""
    ordered = np.sort(raw[np.isfinite(raw)]).astype(float)
    count = min(_RANKS, ordered.size)
    ranks = ((np.arange(count) + 0.5) * (ordered.size / max(count, 1))).astype(int)
    return ordered[ranks], np.full(count, ordered.size / max(count, 1))


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
