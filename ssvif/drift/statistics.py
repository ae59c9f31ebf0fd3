"""How far two samples of pairs are apart, and whether chance may explain it.

Frames of one block show one scene, so they are no independent draws: a plain Kolmogorov-Smirnov
test over frames cries wolf in half of all cases. Here whole blocks change sides.

The index: sum over bins of (new - reference) ln(new / reference), of shares of pairs. Every bin
counts half a pair more than it has, so that an empty one is no infinity. Of equal distributions
the index grows as (bins - 1) (1 / n + 1 / m) for n and m independent pairs, and faster for
blocks; so the mean index of the permutations is taken off.

Source: Siddiqi 2006, "Credit risk scorecards" (population stability index); Anderson 1962,
    doi:10.1214/aoms/1177704477 (two-sample Cramer-von Mises distance).
Differs: p comes from permutations of blocks; the index is free of what chance gives.
"""

from dataclasses import dataclass
from math import comb

import numpy as np
import numpy.typing as npt

from ssvif.seeding import numpy_generator

BINS = 10  # quantiles of the reference
_EMPTY = 0.5  # pairs that a bin has beyond those in it
_GRID = 256  # values at most at which distributions are compared
_ROUNDING = 1.0e-12

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sample:
    """Pairs of both sides, as what is compared of them.

    Args:
        shares: (N, B) of each pair in the bins of the index; rows sum to 1.
        curves: (N, G) whose means over each side are compared: indicators of values up to G
            bounds, or shares of prototypes.
    """

    shares: Floats
    curves: Floats

    @classmethod
    def of_values(cls, values: Floats, is_new: Bools) -> "Sample":
        """Describe numbers (N,) by quantiles: those of the reference, and those of all."""
        reference = values[~is_new]
        edges = np.unique(np.quantile(reference, np.linspace(0.0, 1.0, BINS + 1)[1:-1]))
        # A value that many pairs share has a bin of its own: what is below it is something else.
        shared = edges[(reference[:, None] == edges).sum(0) > 1]
        edges = np.union1d(edges, np.nextafter(shared, -np.inf))
        bins = np.searchsorted(edges, values)
        bounds = np.unique(values)
        if len(bounds) > _GRID:
            bounds = np.quantile(values, np.linspace(0.0, 1.0, _GRID))
        return cls(
            shares=np.eye(len(edges) + 1)[bins],
            curves=(values[:, None] <= bounds).astype(np.float64),
        )

    @classmethod
    def of_shares(cls, shares: Floats) -> "Sample":
        """Describe pairs by their shares (N, K) of prototypes."""
        return cls(shares=shares, curves=shares)


@dataclass(frozen=True)
class Shift:
    """How far two samples are apart.

    Args:
        index: Population stability index less what chance gives; at least 0.
        chance: What was taken off.
        pvalue: That blocks of one population are so far apart, in (0, 1].
    """

    index: float
    chance: float
    pvalue: float


def shift(
    sample: Sample, is_new: Bools, blocks: npt.NDArray[np.str_], *, permutations: int, seed: int
) -> Shift:
    """Compare the new pairs of a sample with the others.

    Args:
        sample: N pairs, some of either side.
        is_new: (N,) which pairs are new.
        blocks: (N,) each pair's block of scenes; one that is on both sides counts as two.
        permutations: How often blocks change sides at random.
        seed: The run's seed.
    """
    _, number = np.unique(np.char.add(blocks, np.where(is_new, "+", "-")), return_inverse=True)
    total = int(number.max()) + 1
    members = (number == np.arange(total)[:, None]).astype(np.float64)  # (blocks, N)
    sides = _sides(members @ is_new > 0, permutations, seed)  # (P + 1, blocks)
    counts = members.sum(1)
    new_pairs = (sides @ counts)[:, None]
    new_shares, new_curves = (sides @ (members @ part) for part in (sample.shares, sample.curves))
    old_pairs = counts.sum() - new_pairs
    indices = stability_index(sample.shares.sum(0) - new_shares, new_shares)
    apart = new_curves / new_pairs - (sample.curves.sum(0) - new_curves) / old_pairs
    distances = (apart**2).mean(1)
    as_far = int((distances[1:] >= distances[0] - _ROUNDING).sum())
    chance = float(indices[1:].mean())
    return Shift(
        index=max(float(indices[0]) - chance, 0.0),
        chance=chance,
        pvalue=(1 + as_far) / (1 + permutations),
    )


def stability_index(reference: Floats, new: Floats) -> Floats:
    """Return the population stability index of counts (..., B) of pairs in bins."""
    old_shares, new_shares = (
        (counts + _EMPTY) / (counts + _EMPTY).sum(-1, keepdims=True) for counts in (reference, new)
    )
    index: Floats = ((new_shares - old_shares) * np.log(new_shares / old_shares)).sum(-1)
    return index


def least_pvalue(reference_blocks: int, new_blocks: int, *, permutations: int) -> float:
    """Return the least p that so many blocks can give.

    Where both sides have equally many, each way is as far apart as the one with sides exchanged.
    """
    ways = comb(reference_blocks + new_blocks, new_blocks)
    as_far = 2 if reference_blocks == new_blocks else 1
    return max(as_far / ways, 1.0 / (1 + permutations))


def superiority(reference: Floats, new: Floats) -> float:
    """Return how often a new value is above one of the reference, less how often below: [-1, 1].

    Source: Cliff 1993, doi:10.1037/0033-2909.114.3.494.
    """
    ordered = np.sort(reference)
    below, up_to = (np.searchsorted(ordered, new, side=side) for side in ("left", "right"))
    return float((below + up_to).mean() / len(reference) - 1.0)


def _sides(is_new: Bools, permutations: int, seed: int) -> Floats:
    """Return which blocks are new: as it is, and then at random."""
    found = is_new.astype(np.float64)
    rng = numpy_generator(seed, "drift", "permutations")
    shuffled = rng.permuted(np.tile(found, (permutations, 1)), axis=1)
    return np.concatenate([found[None], shuffled])
