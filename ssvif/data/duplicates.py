"""Near duplicates: pairs that look the same at a glance, in both modalities."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from ssvif.data.images import UInt8Image

THUMBNAIL_SIDE = 16

Thumbnails = npt.NDArray[np.uint8]
Levels = npt.NDArray[np.float32]


def thumbnails(vis_y: UInt8Image, ir: UInt8Image) -> Thumbnails:
    """Return area means of both halves of a pair, (2, 256)."""
    size = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    small = [Image.fromarray(plane).resize(size, Image.Resampling.BOX) for plane in (vis_y, ir)]
    return np.stack([np.asarray(plane).ravel() for plane in small])


def near(pair: Thumbnails, others: Sequence[Thumbnails], *, below: float) -> npt.NDArray[np.bool_]:
    """Tell which of others nearly equal a pair.

    Args:
        pair: Its thumbnails (2, 256).
        others: N of the same, at least one.
        below: Mean difference of each half, in [0, 1], under which two pairs are one.

    Returns:
        (N,), true where one does.
    """
    levels = np.stack([pair, *others]).astype(np.float32) / 255.0  # (1 + N, 2, 256)
    is_near: npt.NDArray[np.bool_] = _distance(levels[1:], levels[0]) < below
    return is_near


def near_duplicates(pairs: Sequence[Thumbnails], *, below: float) -> list[int | None]:
    """Find pairs that nearly equal one before them.

    Args:
        pairs: N thumbnails (2, 256), in order of preference.
        below: Mean difference of each half, in [0, 1], under which two pairs are one.

    Returns:
        For each pair the index of the kept pair that it repeats, or None where it is kept.
    """
    if not pairs:
        return []
    levels = np.stack(pairs).astype(np.float32) / 255.0  # (N, 2, 256)
    # Means differ by no more than the mean difference: a cheap first sieve.
    means = levels.mean(axis=2)  # (N, 2, 256) -> (N, 2)
    is_kept = np.zeros(len(pairs), dtype=bool)
    repeats: list[int | None] = []
    for index in range(len(pairs)):
        close = np.abs(means[:index] - means[index]).max(axis=1, initial=0.0) < below
        candidates = np.flatnonzero(close & is_kept[:index])
        hits = candidates[_distance(levels[candidates], levels[index]) < below]
        repeats.append(int(hits[0]) if len(hits) else None)
        is_kept[index] = not len(hits)
    return repeats


def _distance(levels: Levels, one: Levels) -> Levels:
    """Return how far pairs (N, 2, 256) are from one: the mean difference of the worse half."""
    distance: Levels = np.abs(levels - one).mean(axis=2).max(axis=1)  # (N, 2, 256) -> (N,)
    return distance
