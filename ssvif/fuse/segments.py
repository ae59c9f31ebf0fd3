"""Segmentations as files beside fused images; imports nothing heavy."""

import io
from pathlib import Path

from PIL import Image

from ssvif.data.encoding import png_text
from ssvif.data.images import UInt8Image
from ssvif.files import atomic_path
from ssvif.fuse.marks import Marks
from ssvif.fuse.palette import palette


def segments_place(fused: Path) -> Path:
    """Return where the segmentation of a fused image lies: beside it."""
    return fused.with_name(f"{fused.stem}.segments.png")


def is_segmentation(path: Path) -> bool:
    """Whether a file is what `write_segments` writes, not an image that is called so."""
    try:
        with Image.open(path) as image:
            return image.mode == "P"
    except OSError:
        return False


def write_segments(
    path: Path, classes: UInt8Image, *, prototypes: int, marks: Marks | None
) -> None:
    """Write prototype numbers as an indexed PNG: the numbers are the pixels, colours are shown.

    Raises:
        StorageError: If the file cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(encode_segments(classes, prototypes=prototypes, marks=marks))


def encode_segments(classes: UInt8Image, *, prototypes: int, marks: Marks | None) -> bytes:
    """Return what `write_segments` writes."""
    image = Image.fromarray(classes)
    image.putpalette(palette(prototypes).tobytes())
    stream = io.BytesIO()
    image.save(stream, format="PNG", pnginfo=png_text(marks.as_text() if marks else None))
    return stream.getvalue()
