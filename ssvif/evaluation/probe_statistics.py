"""Intervals and tests of probes: over blocks of scenes and over repetitions of the training.

A mean intersection over union is a ratio of counts that are added up first, so it is the counts
of whole blocks that are drawn anew (and, for intervals, the repetitions).

Source: Efron and Tibshirani 1993, "An introduction to the bootstrap", chapter 13.
"""

from typing import Protocol

import numpy as np

from ssvif.evaluation.statistics import MIN_BLOCKS, Floats
from ssvif.probes.counts import Counts
from ssvif.seeding import numpy_generator


class Score(Protocol):
    """Makes scores of counts, such as `ssvif.probes.counts.mean_iou`."""

    def __call__(self, counts: Counts, weights: Floats | None = None, /) -> Floats:
        """Return (R,) scores of repetitions, or (S, R) for weights (S, N) of images."""


def probe_interval(
    score: Score,
    counts: Counts,
    reference: Counts | None = None,
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> tuple[float, float]:
    """Return a percentile interval of a probe's score, or of its lead over a reference's.

    Args:
        score: What is made of the counts.
        counts: Of the candidate's probe.
        reference: Of another candidate's probe on the same images.
        confidence: Coverage aimed at, in (0, 1).
        resamples: How often blocks and repetitions are drawn.
        seed: The run's seed.

    Returns:
        Lower and upper bound; NaN where there are fewer than `MIN_BLOCKS` blocks, or no score.
    """
    members = _members(counts)
    if len(members) < MIN_BLOCKS:
        return float("nan"), float("nan")
    rng = numpy_generator(seed, "probe", "bootstrap")
    blocks = len(members)
    weights = rng.multinomial(blocks, np.full(blocks, 1 / blocks), resamples) @ members
    repetitions = len(counts.intersection)
    shares = rng.multinomial(repetitions, np.full(repetitions, 1 / repetitions), resamples)
    values = (score(counts, weights) * shares).sum(1) / repetitions
    if reference is not None:
        values = values - (score(reference, weights) * shares).sum(1) / repetitions
    if np.isnan(values).all():
        return float("nan"), float("nan")
    tail = (1.0 - confidence) / 2.0
    low, high = np.nanquantile(values, [tail, 1.0 - tail])
    return float(low), float(high)


def probe_test(
    score: Score, counts: Counts, reference: Counts, *, resamples: int, seed: int
) -> float:
    """Return the two-sided p value that two probes score alike, by swapping whole blocks.

    The luck of a training is not part of it; `probe_interval` draws repetitions too.

    Args:
        score: What is made of the counts.
        counts: Of the candidate's probe.
        reference: Of another candidate's probe on the same images.
        resamples: How often blocks are swapped at random.
        seed: The run's seed.

    Returns:
        In (0, 1]; NaN where there are fewer than `MIN_BLOCKS` blocks, or no score.
    """
    members = _members(counts)
    if len(members) < MIN_BLOCKS:
        return float("nan")
    rng = numpy_generator(seed, "probe", "permutation")
    swapped = rng.integers(0, 2, (resamples, len(members))) @ members  # (S, N) of 0 and 1
    kept = 1.0 - swapped
    joined = _joined(counts, reference)
    lead = (
        score(joined, np.hstack([kept, swapped])) - score(joined, np.hstack([swapped, kept]))
    ).mean(1)
    ones, zeros = np.ones((1, members.shape[1])), np.zeros((1, members.shape[1]))
    found = score(joined, np.hstack([ones, zeros])) - score(joined, np.hstack([zeros, ones]))
    if np.isnan(found).any():
        return float("nan")
    extreme = np.abs(lead) >= np.abs(found.mean()) - 1e-12
    return float((extreme.sum() + 1) / (resamples + 1))


def _members(counts: Counts) -> Floats:
    """Return which images (N columns) are of which block (rows), as ones and zeros."""
    blocks = np.array(counts.blocks)
    members: Floats = (np.unique(blocks)[:, None] == blocks[None]).astype(np.float64)
    return members


def _joined(first: Counts, second: Counts) -> Counts:
    """Put the images of two probes side by side: (R, 2 N, C)."""
    planes = (
        np.concatenate([getattr(first, name), getattr(second, name)], axis=1)
        for name in ("intersection", "union", "target")
    )
    return Counts(first.ids * 2, first.blocks * 2, first.classes, *planes)
