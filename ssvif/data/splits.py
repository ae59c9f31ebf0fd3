"""Which pairs train, which steer the training, which are held out.

Frames next to each other show the same scene, so whole blocks of neighbours are dealt out, each
set by itself: what happens in one set never moves a pair of another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ssvif.data.layouts import SPLITS, Capture, Split, natural_key
from ssvif.seeding import derive_seed

# Multiples of the golden ratio, modulo 1, are spread evenly however many there are, so each
# split has its share early on and blocks that are added later move none of the old ones.
_GOLDEN = 0.618033988749895
_LEAST_BLOCKS = 3  # to give every split one


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

    Args:
        captures: All pairs of a set, good or not, so that a bad one moves no other.
        block_size: Neighbours, in the order of names, that stay together.
        val_share: Share of blocks for `val`, where the set has no such split.
        test_share: Share of blocks for `test`, likewise.

    Returns:
        The place of each pair, by its name.
    """
    own: dict[Split | None, list[Capture]] = {split: [] for split in (*SPLITS, None)}
    for capture in sorted(captures, key=lambda capture: natural_key(capture.name)):
        own[capture.split].append(capture)
    shares: dict[Split, float] = {"test": test_share, "val": val_share}
    missing = {split: share for split, share in shares.items() if share and not own[split]}
    places: dict[str, Place] = {}
    for split in shares:
        for block in _blocks(own[split], block_size):
            places |= _placed(block, split)
    open_blocks = _blocks([*own["train"], *own[None]], block_size)
    for block, split in zip(open_blocks, _deal(open_blocks, missing), strict=True):
        places |= _placed(block, split)
    return places


def _blocks(captures: Sequence[Capture], size: int) -> list[Sequence[Capture]]:
    return [captures[start : start + size] for start in range(0, len(captures), size)]


def _placed(block: Sequence[Capture], split: Split) -> dict[str, Place]:
    key = f"{block[0].set_name}/{block[0].name}"
    return {capture.name: Place(split, key) for capture in block}


def _deal(blocks: Sequence[Sequence[Capture]], shares: Mapping[Split, float]) -> list[Split]:
    if not blocks:
        return []
    start = derive_seed(0, "splits", blocks[0][0].set_name) / 2**63
    positions = [(start + index * _GOLDEN) % 1.0 for index in range(len(blocks))]
    dealt: list[Split] = [_at(position, shares) for position in positions]
    for split in ("train", *shares):
        if split not in dealt and len(blocks) >= _LEAST_BLOCKS:
            # The fullest split gives its lowest block.
            donor = max(("train", *shares), key=dealt.count)
            dealt[min(i for i, s in enumerate(dealt) if s == donor)] = split
    return dealt


def _at(position: float, shares: Mapping[Split, float]) -> Split:
    edge = 0.0
    for split, share in shares.items():
        edge += share
        if position < edge:
            return split
    return "train"
