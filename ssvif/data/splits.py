"""Which pairs train, which steer the training, which are held out.

Frames next to each other show the same scene, so whole blocks of neighbours are dealt out, each
set by itself: what happens in one set never moves a pair of another.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssvif.data.layouts import SPLITS, Capture, Split

if TYPE_CHECKING:
    import pandas as pd

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where a pair belongs: its split, and the block of neighbours it is dealt out with."""

    split: Split
    block: str


def assign_splits(
    captures: Sequence[Capture], *, block_size: int, val_share: float, test_share: float
) -> dict[str, Place]:
    """Deal out the pairs of one set.

    A set's own split is kept. What it calls its training part, or all of it where it has no
    split, is dealt out by blocks among training and those splits that the set does not have.
    The first block trains, the next ones give the other splits one each; where a block goes
    depends on those before it alone, so that frames added at the end move none.

    Args:
        captures: All pairs of a set, good or not, so that a bad one moves no other; in the order
            of `ssvif.data.arrivals`.
        block_size: Neighbours, in that order, that stay together.
        val_share: Share of blocks for `val`, where the set has no such split.
        test_share: Share of blocks for `test`, likewise.

    Returns:
        The place of each pair, by its name.
    """
    own: dict[Split | None, list[Capture]] = {split: [] for split in (*SPLITS, None)}
    for capture in captures:
        own[capture.split].append(capture)
    shares: dict[Split, float] = {"test": test_share, "val": val_share}
    missing = {split: share for split, share in shares.items() if share and not own[split]}
    places: dict[str, Place] = {}
    for split in shares:
        for block in _blocks(own[split], block_size):
            places |= _placed(block, split)
    open_blocks = _blocks([*own["train"], *own[None]], block_size)
    for block, split in zip(open_blocks, _deal(len(open_blocks), missing), strict=True):
        places |= _placed(block, split)
    return places


def _blocks(captures: Sequence[Capture], size: int) -> list[Sequence[Capture]]:
    return [captures[start : start + size] for start in range(0, len(captures), size)]


def _placed(block: Sequence[Capture], split: Split) -> dict[str, Place]:
    key = f"{block[0].set_name}/{block[0].name}"
    return {capture.name: Place(split, key) for capture in block}


def _deal(count: int, shares: Mapping[Split, float]) -> list[Split]:
    """Give each block, in turn, to the split that is furthest behind its share."""
    wanted: dict[Split, float] = {"train": 1.0 - sum(shares.values()), **shares}
    dealt: list[Split] = list(wanted)[:count]
    counts = Counter(dealt)
    for length in range(len(dealt) + 1, count + 1):
        behind = {split: share * length - counts[split] for split, share in wanted.items()}
        dealt.append(max(behind, key=lambda split: behind[split]))
        counts[dealt[-1]] += 1
    return dealt


def warn_of_empty_splits(manifest: "pd.DataFrame", *, block_size: int) -> None:
    """Say now what training and evaluation would refuse after a long time.

    Args:
        manifest: Its column `split` is read.
        block_size: What the blocks were dealt out by.
    """
    for split in SPLITS:
        if not (manifest["split"] == split).any():
            _LOG.warning(
                "no %s pairs: bring in more captures, or lower ingest.block_size (now %d): a set"
                " of three blocks has pairs of every split whose share is above 0",
                split,
                block_size,
            )
