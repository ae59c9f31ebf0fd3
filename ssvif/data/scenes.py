"""Which scenes make the batch of a step, as a pure function of (pairs, seed, step).

Every epoch is a new permutation of all pairs, gone through without gaps. Under a replay, batches
are drawn from two pools, each with permutations of its own: pairs that an earlier model learnt
from, against forgetting them, and the others.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ssvif.seeding import numpy_generator


@dataclass(frozen=True)
class Replay:
    """How batches mix pairs that an earlier model knows with others.

    Args:
        known: Indices of the pairs that it learnt from.
        share: Share of known pairs in the batches, in [0, 1].
    """

    known: frozenset[int]
    share: float


def draw_scenes(
    count: int, *, step: int, batch: int, seed: int, replay: Replay | None = None
) -> list[int]:
    """Return the indices of a step's pairs.

    Args:
        count: Number of pairs; at least one.
        step: The step.
        batch: Scenes in a batch.
        seed: The stage's seed.
        replay: How known and other pairs are mixed. Where one of the two pools is empty, the
            other gives all, as without a replay.
    """
    pools = _pools(count, replay)
    if replay is None or not all(pools):
        positions = range(step * batch, (step + 1) * batch)
        return _permuted(range(count), positions, seed, "epoch")
    known, others = pools
    begin, end = (replayed_until(s, batch=batch, share=replay.share) for s in (step, step + 1))
    return [
        *_permuted(known, range(begin, end), seed, "epoch", "known"),
        *_permuted(others, range(step * batch - begin, (step + 1) * batch - end), seed, "epoch"),
    ]


def replayed_until(step: int, *, batch: int, share: float) -> int:
    """Return how many known pairs the batches before a step have shown.

    What is left of a scene is carried on to the next batch, so the share is kept to a scene at
    every step, whatever the size of a batch.
    """
    return math.floor(Fraction(str(share)) * batch * step)  # as written: 0.1 is a tenth


def _pools(count: int, replay: Replay | None) -> tuple[list[int], list[int]]:
    known = replay.known if replay else frozenset()
    indices = range(count)
    return [i for i in indices if i in known], [i for i in indices if i not in known]


def _permuted(pool: Sequence[int], positions: range, seed: int, *names: str) -> list[int]:
    """Return what stands at positions of an endless row of permutations of a pool."""
    size = len(pool)
    epochs = {position // size for position in positions}
    orders = {e: numpy_generator(seed, *names, e).permutation(size) for e in epochs}
    return [pool[int(orders[position // size][position % size])] for position in positions]
