"""Fuses one pair: reads its files, brings infrared onto the visible image, fuses, colours, marks.

Which files make a pair says `ssvif.fuse.pairing`; `ssvif.fuse.files` fuses many.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from threading import Semaphore
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from PIL import Image, ImageStat

from ssvif.data.images import (
    UInt8Image,
    is_grey,
    read_four_channels,
    read_infrared_raw,
    read_visible,
    require_range,
    scale_infrared,
    write_png,
)
from ssvif.data.infrared_range import EIGHT_BITS, is_deep
from ssvif.errors import ColourInfraredError, ImageError, SsvifError
from ssvif.files import sha256_file
from ssvif.fuse.alignment import Alignment
from ssvif.fuse.choices import VISIBLE, Colour
from ssvif.fuse.colour import as_rgb, coloured
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.marks import Marks, as_words, read_marks
from ssvif.fuse.pairing import FusePair
from ssvif.fuse.segments import is_segmentation, segments_place, write_segments
from ssvif.fuse.views import FUSED
from ssvif.params import MAX_PIXELS
from ssvif.threads import cores

if TYPE_CHECKING:
    from ssvif.fuse.segmenter import Segmenter

logger = logging.getLogger(__name__)

# Grey levels: a camera that varies less shows nothing, and is left out of the fused image. As
# `ssvif.models.fusion.DEAD`, whose module needs torch.
_DEAD = 0.005 * 255.0

# While pairs are fused, another one is read or written.
_SPARE_THREADS = 1

# What ONNX Runtime and PyTorch say, whose errors have no type in common.
_NO_MEMORY = re.compile("allocate memory|out of memory|tried to allocate|bad_alloc", re.IGNORECASE)

Result = TypeVar("Result")


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
        ImageError: If black is not below white, or one of them is no number.
    """

    ir_range: tuple[float, float] | None = None
    colour: Colour = VISIBLE
    alignment: Alignment | None = None
    segmenter: "Segmenter | None" = None

    def __post_init__(self) -> None:
        if self.ir_range:
            require_range(self.ir_range)


PLAIN = Manner()


class PairFuser:
    """Fuses pairs in one manner; threads may call it at once, and wait for the network in turn.

    Args:
        fuser: What fuses.
        manner: How.
    """

    def __init__(self, fuser: Fuser, manner: Manner) -> None:
        self.threads = max(fuser.callers, cores()) + _SPARE_THREADS
        """How many threads keep the network and the cores busy, reading and writing beside it."""
        self._fuser = fuser
        self._manner = manner
        self._network = Semaphore(fuser.callers)

    def to_file(self, pair: FusePair) -> bool:
        """Write the fused image of a pair, unless it is there already; return whether it was not.

        Raises:
            ImageError: See `read_pair`.
            ShapeError: If the images are not of one size.
            StorageError: If the output cannot be written.
        """
        _require_one_name(pair)
        marks = _marks(self._fuser, pair, self._manner)
        segmenter = self._manner.segmenter
        outputs = [pair.out, *([segments_place(pair.out)] if segmenter else [])]
        if marks is not None and all(read_marks(path) == marks for path in outputs):
            return False
        vis, ir = read_pair(pair, self._manner)
        for path, image in ((pair.vis, vis), (pair.ir, ir)):
            if _spread(image) < _DEAD:
                logger.warning(
                    "%s: shows nothing (all of one grey); check lens cap and range", path
                )
        image, classes = self._fuse(vis, ir)
        if not segmenter:
            self._drop_older_segments(pair, marks)
        if segmenter and classes is not None:
            write_segments(outputs[-1], classes, prototypes=segmenter.prototypes, marks=marks)
        write_png(pair.out, image, text=marks.as_text() if marks else None)
        return True

    def _drop_older_segments(self, pair: FusePair, marks: Marks | None) -> None:
        """Remove the segmentation of another image than the one that is about to be here."""
        place = segments_place(pair.out)
        older = read_marks(place)
        if older is not None and older != marks and is_segmentation(place):
            place.unlink(missing_ok=True)

    def to_frame(self, pair: FusePair) -> UInt8Image:
        """Return the fused image of a pair, (H, W, 3), coloured; raises as `to_file` does."""
        return self.frame(*read_pair(pair, self._manner))

    def frame(self, vis: UInt8Image, ir: UInt8Image) -> UInt8Image:
        """Return the fused image, (H, W, 3), of a visible and an infrared one, coloured.

        Raises:
            ShapeError: If the images are not of one size.
        """
        return as_rgb(self._fuse(vis, ir)[0])

    def _fuse(self, vis: UInt8Image, ir: UInt8Image) -> tuple[UInt8Image, UInt8Image | None]:
        """Align, fuse and colour; return the segmentation, too, where it is wanted."""
        manner, warm = self._manner, ir
        if manner.alignment:
            ir, seen = manner.alignment(ir, vis)
            warm = ir * seen  # the visible luminance around it is not warm
        with self._network:
            fused = self._fuser(vis, ir)
            classes = manner.segmenter(fused) if manner.segmenter else None
        return coloured(fused, warm, manner.colour), classes


def attempt(work: Callable[[FusePair], Result], pair: FusePair) -> Result | SsvifError:
    """Do something to a pair; return what fails it alone, which is also a want of memory."""
    try:
        return work(pair)
    except SsvifError as error:
        return error
    except Exception as error:
        if not isinstance(error, MemoryError) and not _NO_MEMORY.search(str(error)):
            raise
        return ImageError(
            f"{pair.vis}: too large for the memory that is free; cut or shrink the pair, or fuse "
            "fewer at once (OMP_NUM_THREADS=1)"
        )


def read_pair(pair: FusePair, manner: Manner) -> tuple[UInt8Image, UInt8Image]:
    """Read the files of a pair, infrared scaled.

    Raises:
        ImageError: If a file cannot be read, no range is known for its raw values, or other files
            claim the pair's name.
    """
    _require_one_name(pair)
    if pair.vis == pair.ir:
        return read_four_channels(pair.vis, max_pixels=MAX_PIXELS)
    vis = read_visible(pair.vis, max_pixels=MAX_PIXELS)
    try:
        raw = read_infrared_raw(pair.ir, max_pixels=MAX_PIXELS)
    except ColourInfraredError as error:
        if not is_grey(vis):
            raise
        raise ImageError(f"{error}; the visible one is grey: or exchange the two") from error
    value_range = EIGHT_BITS if raw.dtype == np.uint8 else manner.ir_range
    if value_range is None:
        raise ImageError(
            f"{pair.ir}: more than 8 bits, and no other image to find black and white from; give"
            " the camera's raw values with --ir-range BLACK WHITE (of a set that was brought in:"
            " infrared_range in its set.yaml, or ir_low and ir_high in the manifest)"
        )
    return vis, scale_infrared(raw, value_range)


def _spread(image: UInt8Image) -> float:
    """Return the standard deviation of the luminance, which is what the network sees."""
    return ImageStat.Stat(Image.fromarray(image).convert("L")).stddev[0]


def _require_one_name(pair: FusePair) -> None:
    if pair.spare:
        names = ", ".join(path.name for path in (pair.vis, pair.ir, *pair.spare))
        raise ImageError(f"{names} claim one name; keep one in each folder")


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
        ir_range=as_words(scaled or ()),
        view="" if fuser.view == FUSED else fuser.view,
        precision="" if fuser.precision == "float32" else fuser.precision,
        colour="" if manner.colour == VISIBLE else manner.colour,
        aligned=as_words(value for row in aligned for value in row),
    )
