"""Fuses many pairs of image files, and leaves what is fused already.

The same call so goes on where an earlier one was killed. Which files make a pair says
`ssvif.fuse.pairing`; how one is fused, `ssvif.fuse.pair`.
"""

import logging
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ssvif.data.infrared_range import RawValues, raw_values
from ssvif.data.sets import SetInfo, read_set_info
from ssvif.errors import CapturesError, SsvifError, StorageError
from ssvif.files import require_writable
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.pair import PLAIN, Manner, PairFuser, attempt
from ssvif.fuse.pairing import FusePair, pair_captures
from ssvif.fuse.segments import segments_place
from ssvif.params import MAX_PIXELS, PERCENTILES
from ssvif.threads import in_threads

logger = logging.getLogger(__name__)

# Told how many pairs are done, and of how many.
Tell = Callable[[int, int], object]

# What became of a pair: whether it was fused just now, or done already; or why it failed.
Outcome = bool | SsvifError


def quiet(done: int, total: int) -> None:
    """Tell nobody how far the work is."""


@dataclass(frozen=True)
class Fused:
    """What became of pairs.

    Args:
        fused: How many were fused just now.
        skipped: How many were there already, of the same sources and weights.
        failed: Why each other one failed, by its visible file, or by its output where two pairs
            of one visible file failed.
    """

    fused: int
    skipped: int
    failed: Mapping[Path, str]

    @property
    def sentence(self) -> str:
        """The same for people, such as `fused 3 of 10 pairs, 7 were done already`."""
        total = self.fused + self.skipped + len(self.failed)
        parts = [f"fused {self.fused} of {total} pairs"]
        parts += [f"{self.skipped} were done already"] if self.skipped else []
        parts += [f"{len(self.failed)} failed"] if self.failed else []
        return ", ".join(parts)


def delivery_pairs(
    folder: Path, out: Path, *, manner: Manner = PLAIN
) -> tuple[list[FusePair], Manner]:
    """Return the pairs of a delivery, and how they are fused: with the range that it knows.

    Args:
        folder: The captures, in any layout of `ssvif.data.layouts`.
        out: A folder for the fused images.
        manner: How; its own range goes before that of the folder's `set.yaml`.

    Raises:
        CapturesError: If the folder is missing or holds no pair, or `out` is a file or holds the
            captures.
    """
    info = read_set_info(folder) or SetInfo()
    pairs = pair_captures(folder, out, layout=info.layout)
    return pairs, replace(manner, ir_range=manner.ir_range or info.infrared_range)


def fuse_files(
    fuser: Fuser,
    pairs: Sequence[FusePair],
    *,
    manner: Manner = PLAIN,
    tell: Tell = quiet,
) -> Fused:
    """Fuse pairs of files; a pair that fails is reported and the rest goes on.

    An output that says that it comes from the same files and weights, for the same view, is left.
    Files are read and written by threads beside the one that fuses.

    Args:
        fuser: What fuses.
        pairs: The files.
        manner: How.
        tell: Called when a pair is done, skipped or failed, with how many are and how many will be.

    Returns:
        How many were fused, and why others were not.

    Raises:
        CapturesError: If a segmentation would lie where a fused image belongs.
        StorageError: If a folder for the outputs takes no files, or one cannot be written.
    """
    require_places(pairs, segmented=manner.segmenter is not None)
    manner = with_range(pairs, manner)
    with closing(fuse_each(fuser, pairs, manner=manner)) as outcomes:
        return gathered(pairs, enumerate(outcomes), tell=tell)


def require_places(pairs: Sequence[FusePair], *, segmented: bool) -> None:
    """Make the folders of the outputs, and refuse one that takes no files.

    Args:
        pairs: The files.
        segmented: Whether segmentations are to lie beside the fused images.

    Raises:
        CapturesError: If a segmentation would lie where a fused image belongs.
        StorageError: If there is a folder that takes no files.
    """
    outs = {pair.out for pair in pairs}
    for pair in pairs if segmented else ():
        if (place := segments_place(pair.out)) in outs:
            raise CapturesError(
                f"{place}: would be a fused image and the segmentation of {pair.vis}; rename one"
            )
    for folder in sorted({pair.out.parent for pair in pairs}):
        require_writable(folder)


def fuse_each(
    fuser: Fuser, pairs: Sequence[FusePair], *, manner: Manner
) -> Generator[Outcome, None, None]:
    """Fuse pairs of files as `fuse_files` does, which may be some of many.

    Args:
        fuser: What fuses.
        pairs: The files.
        manner: How; no range is looked for, as these pairs alone would have another one.

    Yields:
        What became of each pair, in their order.
    """
    pair_fuser = PairFuser(fuser.for_many() if len(pairs) > 1 else fuser, manner)
    work = partial(attempt, pair_fuser.to_file)
    yield from in_threads(work, pairs, threads=pair_fuser.threads)


def gathered(
    pairs: Sequence[FusePair], outcomes: Iterable[tuple[int, Outcome]], *, tell: Tell = quiet
) -> Fused:
    """Count what became of pairs.

    Args:
        pairs: All of them.
        outcomes: Each once, in any order: the number of the pair, and what became of it.
        tell: See `fuse_files`.

    Raises:
        StorageError: If that is what became of one: the next one would fare no better.
    """
    counts = {True: 0, False: 0}
    failed: dict[int, str] = {}
    for done, (number, outcome) in enumerate(outcomes, start=1):
        if isinstance(outcome, StorageError):
            raise outcome
        if isinstance(outcome, SsvifError):
            failed[number] = str(outcome)
        else:
            counts[outcome] += 1
        tell(done, len(pairs))
    reasons: dict[Path, str] = {}
    for number, reason in sorted(failed.items()):
        pair = pairs[number]
        reasons[pair.out if pair.vis in reasons else pair.vis] = reason
    return Fused(counts[True], counts[False], reasons)


def with_range(pairs: Sequence[FusePair], manner: Manner) -> Manner:
    """Return a manner that knows the range of the pairs' deep infrared, if there is one."""
    if manner.ir_range is not None:
        return manner
    found = raw_values((pair.ir for pair in pairs), max_pixels=MAX_PIXELS)
    return replace(manner, ir_range=shared_range(found))


def shared_range(found: RawValues) -> tuple[float, float] | None:
    """Return one range for all images of more than 8 bits, or None where there is only one.

    Args:
        found: The values of all infrared images given.
    """
    # A range from a single image would stretch it: equal temperatures, other grey values.
    if found.images < 2:
        return None
    value_range = found.range(PERCENTILES)
    if value_range:
        low, high = value_range
        logger.info(
            "deep infrared: %g is black and %g white, from all files given; --ir-range sets them",
            low,
            high,
        )
    return value_range
