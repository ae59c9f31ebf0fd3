"""Segmentations as files beside fused images; imports nothing heavy."""

from pathlib import Path

from PIL import Image, PngImagePlugin

from ssvif.data.images import UInt8Image
from ssvif.files import atomic_path
from ssvif.fuse.marks import Marks
from ssvif.fuse.palette import palette


def segments_place(fused: Path) -> Path:
    """Return where the segmentation of a fused image lies: beside it."""
    return fused.with_name(f"{fused.stem}.segments.png")


def write_segments(
    path: Path, classes: UInt8Image, *, prototypes: int, marks: Marks | None
) -> None:
    """Write prototype numbers as an indexed PNG: the numbers are the pixels, colours are shown.

    Raises:
        StorageError: If the file cannot be written.
    """
    image = Image.fromarray(classes)
    image.putpalette(palette(prototypes).tobytes())
    chunks = PngImagePlugin.PngInfo()
    for key, value in (marks.as_text() if marks else {}).items():
        chunks.add_text(key, value)
    with atomic_path(path) as temporary:
        image.save(temporary, format="PNG", pnginfo=chunks)
