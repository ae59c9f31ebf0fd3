"""Fuses image files, and leaves what is fused already.

The same call so goes on where an earlier one was killed. Which files make a pair says
`ssvif.fuse.pairing`.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Semaphore
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ssvif.data.images import (
    UInt8Image,
    read_four_channels,
    read_infrared_raw,
    read_visible,
    scale_infrared,
    write_png,
)
from ssvif.data.infrared_range import EIGHT_BITS, RawValues, is_deep, raw_values
from ssvif.data.sets import read_set_info
from ssvif.errors import ImageError, SsvifError
from ssvif.files import sha256_file
from ssvif.fuse.alignment import Alignment
from ssvif.fuse.choices import VISIBLE, Colour
from ssvif.fuse.colour import coloured
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.marks import Marks, read_marks
from ssvif.fuse.pairing import FusePair, pair_captures
from ssvif.fuse.segments import segments_place, write_segments
from ssvif.fuse.views import FUSED
from ssvif.params import MAX_PIXELS, PERCENTILES

if TYPE_CHECKING:
    from ssvif.fuse.segmenter import Segmenter

logger = logging.getLogger(__name__)

# Grey levels: a camera that varies less shows nothing, and is left out of the fused image. As
# `ssvif.models.fusion.DEAD`, whose module needs torch.
_DEAD = 0.005 * 255.0

# While pairs are fused, others are read and written.
_SPARE_THREADS = 1
_AHEAD = 8

# Told how many pairs are done, and of how many.
Tell = Callable[[int, int], object]

# What became of a pair: whether it was fused just now, or done already; or why it failed.
Outcome = bool | str

Item = TypeVar("Item")
Result = TypeVar("Result")


def quiet(done: int, total: int) -> None:
    """Tell nobody how far the work is."""


@dataclass(frozen=True)
class Manner:
    """How files are fused, beside the model.

    Args:
        ir_range: Raw values of black and white of infrared with more than 8 bits; by default
            percentiles over all such images given, of which there must be several.
        colour: How images for people are coloured.
        alignment: Brings infrared onto the visible image, where the files are not registered.
        segmenter: Segments the fused images, where their segmentation is to lie beside them.

    Raises:
        ImageError: If black is not below white.
    """

    ir_range: tuple[float, float] | None = None
    colour: Colour = VISIBLE
    alignment: Alignment | None = None
    segmenter: "Segmenter | None" = None

    def __post_init__(self) -> None:
        if self.ir_range and not self.ir_range[0] < self.ir_range[1]:
            low, high = self.ir_range
            raise ImageError(f"infrared range {low:g} to {high:g} is empty; give black < white")


PLAIN = Manner()


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


def fuse_folder(
    fuser: Fuser,
    folder: Path,
    out: Path,
    *,
    manner: Manner = PLAIN,
    tell: Tell = quiet,
) -> Fused:
    """Fuse a whole delivery; a second call does what is left to do.

    Args:
        fuser: What fuses.
        folder: The captures, in any layout of `ssvif.data.layouts`.
        out: A folder for the fused images.
        manner: How; the range is by default that of the folder's `set.yaml`, if it has one.
        tell: See `fuse_files`.

    Raises:
        CapturesError: If the folder is missing or holds no pair, or `out` is a file.
    """
    pairs, manner = delivery_pairs(folder, out, manner=manner)
    return fuse_files(fuser, pairs, manner=manner, tell=tell)


def delivery_pairs(
    folder: Path, out: Path, *, manner: Manner = PLAIN
) -> tuple[list[FusePair], Manner]:
    """Return the pairs of a delivery, and how they are fused: with the range that it knows.

    Args:
        folder: See `fuse_folder`.
        out: See `fuse_folder`.
        manner: How; its own range goes before that of the folder's `set.yaml`.

    Raises:
        CapturesError: See `fuse_folder`.
    """
    pairs = pair_captures(folder, out)
    info = read_set_info(folder)
    known = manner.ir_range or (info.infrared_range if info else None)
    return pairs, replace(manner, ir_range=known)


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
    """
    outcomes = fuse_each(fuser, pairs, manner=with_range(pairs, manner))
    return gathered(pairs, enumerate(outcomes), tell=tell)


def fuse_each(fuser: Fuser, pairs: Sequence[FusePair], *, manner: Manner) -> Iterator[Outcome]:
    """Fuse pairs of files as `fuse_files` does, which may be some of many.

    Args:
        fuser: What fuses.
        pairs: The files.
        manner: How; no range is looked for, as these pairs alone would have another one.

    Yields:
        What became of each pair, in their order.
    """
    fuser = fuser.for_many() if len(pairs) > 1 else fuser
    work = partial(_outcome, fuser, manner, Semaphore(fuser.callers))
    with ThreadPoolExecutor(fuser.callers + _SPARE_THREADS) as pool:
        yield from in_order(pool, work, pairs)


def gathered(
    pairs: Sequence[FusePair], outcomes: Iterable[tuple[int, Outcome]], *, tell: Tell = quiet
) -> Fused:
    """Count what became of pairs.

    Args:
        pairs: All of them.
        outcomes: Each once, in any order: the number of the pair, and what became of it.
        tell: See `fuse_files`.
    """
    counts = {True: 0, False: 0}
    failed: dict[int, str] = {}
    for done, (number, outcome) in enumerate(outcomes, start=1):
        if isinstance(outcome, str):
            failed[number] = outcome
        else:
            counts[outcome] += 1
        tell(done, len(pairs))
    reasons: dict[Path, str] = {}
    for number, reason in sorted(failed.items()):
        pair = pairs[number]
        reasons[pair.out if pair.vis in reasons else pair.vis] = reason
    return Fused(counts[True], counts[False], reasons)


def in_order(
    pool: Executor, work: Callable[[Item], Result], items: Iterable[Item], *, ahead: int = _AHEAD
) -> Iterator[Result]:
    """Do work in a pool, a few items ahead of those that are asked for.

    Args:
        pool: Who does it.
        work: What is done to an item.
        items: Read as the work goes on, however many they are.
        ahead: How many items.

    Yields:
        The results, in the items' order.
    """
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _outcome(fuser: Fuser, manner: Manner, network: Semaphore, pair: FusePair) -> Outcome:
    try:
        return _fuse_pair(fuser, manner, network, pair)
    except SsvifError as error:
        return str(error)


def _fuse_pair(fuser: Fuser, manner: Manner, network: Semaphore, pair: FusePair) -> bool:
    if pair.spare:
        names = ", ".join(path.name for path in (pair.vis, pair.ir, *pair.spare))
        raise ImageError(f"{names} claim one name; keep one in each folder")
    if pair.out.resolve() in (pair.vis.resolve(), pair.ir.resolve()):
        raise ImageError(f"{pair.out}: would overwrite its own source; choose another output")
    marks = _marks(fuser, pair, manner)
    outputs = [pair.out, *([segments_place(pair.out)] if manner.segmenter else [])]
    if marks is not None and all(read_marks(path) == marks for path in outputs):
        return False
    vis, ir = read_pair(pair, manner)
    for path, image in ((pair.vis, vis), (pair.ir, ir)):
        if image.std() < _DEAD:
            logger.warning("%s: shows nothing (all of one grey); check lens cap and range", path)
    with network:
        fused = fuser(vis, ir)
        segmented = manner.segmenter(fused) if manner.segmenter else None
    if manner.segmenter and segmented is not None:
        write_segments(outputs[-1], segmented, prototypes=manner.segmenter.prototypes, marks=marks)
    image = coloured(fused, ir, manner.colour)
    write_png(pair.out, image, text=marks.as_text() if marks else None)
    return True


def _marks(fuser: Fuser, pair: FusePair, manner: Manner) -> Marks | None:
    if fuser.weights is None:
        return None
    try:
        vis, ir = sha256_file(pair.vis), sha256_file(pair.ir)
    except OSError as error:
        raise ImageError(f"{error.filename}: cannot be read ({error.strerror})") from error
    scaled = manner.ir_range if pair.vis != pair.ir and is_deep(pair.ir) else None
    aligned = manner.alignment.ir_to_vis if manner.alignment else ()
    return Marks(
        weights=fuser.weights,
        vis=vis,
        ir=ir,
        ir_range=" ".join(f"{value:g}" for value in scaled or ()),
        view="" if fuser.view == FUSED else fuser.view,
        precision="" if fuser.precision == "float32" else fuser.precision,
        colour="" if manner.colour == VISIBLE else manner.colour,
        aligned=" ".join(f"{value:g}" for row in aligned for value in row),
    )


def read_pair(pair: FusePair, manner: Manner) -> tuple[UInt8Image, UInt8Image]:
    """Read the files of a pair, infrared scaled and aligned.

    Raises:
        ImageError: If a file cannot be read, or no range is known for its raw values.
    """
    if pair.vis == pair.ir:
        return read_four_channels(pair.vis, max_pixels=MAX_PIXELS)
    vis = read_visible(pair.vis, max_pixels=MAX_PIXELS)
    raw = read_infrared_raw(pair.ir, max_pixels=MAX_PIXELS)
    value_range = EIGHT_BITS if raw.dtype == np.uint8 else manner.ir_range
    if value_range is None:
        raise ImageError(
            f"{pair.ir}: more than 8 bits, and no other image to find black and white from; give"
            " the camera's raw values with --ir-range BLACK WHITE (of a set that was brought in:"
            " infrared_range in its set.yaml, or ir_low and ir_high in the manifest)"
        )
    ir = scale_infrared(raw, value_range)
    return vis, manner.alignment(ir, vis) if manner.alignment else ir


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
