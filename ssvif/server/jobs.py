"""What is done to a pair in a thread: decode, fuse or segment, encode."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from ssvif.data.encoding import encode_image
from ssvif.data.images import (
    ImageBytes,
    UInt8Image,
    read_infrared_raw,
    read_visible,
    scale_infrared,
)
from ssvif.data.infrared_range import EIGHT_BITS
from ssvif.errors import InfraredRangeError
from ssvif.fuse.choices import VISIBLE
from ssvif.fuse.colour import coloured
from ssvif.fuse.marks import Marks, as_words
from ssvif.fuse.segments import encode_segments
from ssvif.fuse.views import FUSED
from ssvif.server.served import ServedModel
from ssvif.server.wishes import FuseWish, SegmentWish


@dataclass(frozen=True)
class Made:
    """An image file, and how long its parts took.

    Args:
        content: The file's bytes.
        media_type: Of them.
        seconds: Of each part.
        prototypes: How many classes there are, in a segmentation.
    """

    content: bytes
    media_type: str
    seconds: dict[str, float]
    prototypes: int | None = None


@dataclass
class _Watch:
    """Times parts."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time a part."""
        began = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - began


def fuse_pair(
    model: ServedModel, vis: ImageBytes, ir: ImageBytes, wish: FuseWish, *, max_pixels: int
) -> Made:
    """Fuse a pair of files.

    Raises:
        SsvifError: If one of them is refused, or they do not fit.
    """
    watch, colours, heat, is_scaled = _decode(vis, ir, wish, max_pixels)
    with watch.part("fuse"):
        image = coloured(model.fuse(colours, heat, wish.view), heat, wish.colour)
    with watch.part("encode"):
        text = None
        if wish.format == "png":
            text = _marks(model, vis, ir, wish, is_scaled=is_scaled).as_text()
        content = encode_image(image, wish.format, text=text)
    return Made(content, f"image/{wish.format}", watch.seconds)


def segment_pair(
    model: ServedModel, vis: ImageBytes, ir: ImageBytes, wish: SegmentWish, *, max_pixels: int
) -> Made:
    """Fuse a pair of files and segment the fused image: an indexed PNG.

    Raises:
        SsvifError: If one of them is refused, or they do not fit.
    """
    watch, colours, heat, is_scaled = _decode(vis, ir, wish, max_pixels)
    with watch.part("fuse"):
        fused = model.fuse(colours, heat, FUSED)
    with watch.part("segment"):
        classes, prototypes = model.segment(fused)
    with watch.part("encode"):
        marks = _marks(model, vis, ir, wish, is_scaled=is_scaled)
        content = encode_segments(classes, prototypes=prototypes, marks=marks)
    return Made(content, "image/png", watch.seconds, prototypes)


def _decode(
    vis: ImageBytes, ir: ImageBytes, wish: SegmentWish, max_pixels: int
) -> tuple[_Watch, UInt8Image, UInt8Image, bool]:
    """Return a watch that timed this, a pair's pixels, and whether infrared was scaled."""
    watch = _Watch()
    with watch.part("decode"):
        colours = read_visible(vis, max_pixels=max_pixels)
        raw = read_infrared_raw(ir, max_pixels=max_pixels)
        is_deep = raw.dtype != np.uint8
        value_range = wish.ir_range if is_deep else EIGHT_BITS
        if value_range is None:
            raise InfraredRangeError(
                f"{ir}: more than 8 bits; give the camera's raw values of black and white as "
                "ir_black and ir_white"
            )
        heat = scale_infrared(raw, value_range)
    return watch, colours, heat, is_deep


def _marks(
    model: ServedModel, vis: ImageBytes, ir: ImageBytes, wish: SegmentWish, *, is_scaled: bool
) -> Marks:
    """Return what the image says of itself, so that `ssvif lineage` knows where it is from."""
    scaled = wish.ir_range if is_scaled else None
    view, colour = (wish.view, wish.colour) if isinstance(wish, FuseWish) else (FUSED, VISIBLE)
    return Marks(
        weights=model.facts.weights,
        vis=hashlib.sha256(vis.content).hexdigest(),
        ir=hashlib.sha256(ir.content).hexdigest(),
        ir_range=as_words(scaled or ()),
        view="" if view == FUSED else view,
        precision="" if model.precision == "float32" else model.precision,
        colour="" if colour == VISIBLE else colour,
    )
