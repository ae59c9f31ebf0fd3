"""Scores from pixel counts: of all images, of a part, or of many resamples at once.

A probe's counts have a row a repetition, image and class: `intersection` (pixels that are of the
class and were found to be), `union` (that are or were) and `target` (that are). Scores add up the
counts of images first. A class counts where its `target` is not empty, so that all candidates
are scored over the same classes.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

COLUMNS = ("repetition", "id", "block", "class", "intersection", "union", "target")
BACKGROUND_CLASS = 0

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """Counts as an array, for speed.

    Args:
        ids: Images, as along the second axis; sorted.
        blocks: Their blocks of neighbouring frames.
        classes: Names, as along the third axis.
        intersection: (R, N, C): repetitions, images, classes.
        union: The same shape.
        target: The same shape.
    """

    ids: tuple[str, ...]
    blocks: tuple[str, ...]
    classes: tuple[str, ...]
    intersection: Floats
    union: Floats
    target: Floats

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> "Counts":
        """Bring a `ProbeResult`'s counts into array form; classes keep their order."""
        classes = tuple(table["class"].unique())
        blocks = table.drop_duplicates("id").set_index("id")["block"].sort_index()
        order = pd.MultiIndex.from_product(
            [sorted(table["repetition"].unique()), blocks.index, classes]
        )
        sorted_table = table.set_index(["repetition", "id", "class"]).loc[order]
        shape = (-1, len(blocks), len(classes))
        planes = (
            sorted_table[name].to_numpy(np.float64).reshape(shape)
            for name in ("intersection", "union", "target")
        )
        return cls(tuple(blocks.index), tuple(blocks), classes, *planes)


def class_iou(counts: Counts, weights: Floats | None = None) -> Floats:
    """Return the intersection over union of every class.

    Args:
        counts: R repetitions, N images, C classes.
        weights: (S, N): how often each image counts in each of S resamples; by default once.

    Returns:
        (S, R, C) in [0, 1], NaN for classes without a pixel; (R, C) without weights.
    """
    union = _sums(counts.union, weights)
    target = _sums(counts.target, weights)
    iou = np.full(union.shape, np.nan)
    np.divide(_sums(counts.intersection, weights), union, out=iou, where=target > 0)
    return iou


def mean_iou(counts: Counts, weights: Floats | None = None, *, foreground: bool = False) -> Floats:
    """Return the mean intersection over union of the classes that occur.

    Args:
        counts: As for `class_iou`.
        weights: As for `class_iou`.
        foreground: Leave the first class, the background, out.

    Returns:
        (S, R) in [0, 1], or (R,) without weights; NaN where no class occurs.
    """
    iou = class_iou(counts, weights)[..., BACKGROUND_CLASS + 1 if foreground else 0 :]
    occurs = ~np.isnan(iou)
    mean = np.full(iou.shape[:-1], np.nan)
    np.divide(np.where(occurs, iou, 0.0).sum(-1), occurs.sum(-1), out=mean, where=occurs.any(-1))
    return mean


def pixel_accuracy(counts: Counts, weights: Floats | None = None) -> Floats:
    """Return the share of labelled pixels that are of the class that was found.

    Args:
        counts: As for `class_iou`.
        weights: As for `class_iou`.

    Returns:
        (S, R) in [0, 1], or (R,) without weights; NaN where nothing is labelled.
    """
    pixels = _sums(counts.target, weights).sum(-1)
    right = _sums(counts.intersection, weights).sum(-1)
    accuracy = np.full(pixels.shape, np.nan)
    np.divide(right, pixels, out=accuracy, where=pixels > 0)
    return accuracy


def _sums(plane: Floats, weights: Floats | None) -> Floats:
    """Sum (R, N, C) over images: (R, C), or (S, R, C) for weights (S, N)."""
    sums: Floats = plane.sum(1) if weights is None else np.tensordot(weights, plane, axes=(1, 1))
    return sums
