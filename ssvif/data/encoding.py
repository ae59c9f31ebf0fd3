"""The bytes of image files, as this project writes them."""

import io
import zlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin

from ssvif.errors import ImageError

ImageFormat = Literal["png", "jpeg", "webp"]

_PNG_OPTIONS = {"compress_level": 1, "compress_type": zlib.Z_RLE}
_ENCODERS: Mapping[ImageFormat, Mapping[str, Any]] = {
    "png": {"format": "PNG", **_PNG_OPTIONS},
    "jpeg": {"format": "JPEG", "quality": 92, "subsampling": "4:4:4"},
    "webp": {"format": "WEBP", "quality": 90, "method": 2},
}
_LONGEST: Mapping[ImageFormat, int] = {"png": 1 << 31, "jpeg": 65_500, "webp": 16_383}


def encode_image(
    image: npt.NDArray[np.uint8], kind: ImageFormat, *, text: Mapping[str, str] | None = None
) -> bytes:
    """Encode an image (H, W) or (H, W, 3) as the bytes of a file.

    Args:
        image: The pixels.
        kind: PNG loses nothing; JPEG and WebP are for people.
        text: Text chunks to keep beside them, in a PNG.

    Raises:
        ImageError: If the format has no images as large.
    """
    if max(image.shape) > _LONGEST[kind]:
        raise ImageError(
            f"{image.shape[1]}x{image.shape[0]}: {kind} has sides of {_LONGEST[kind]} pixels at "
            "most; take png"
        )
    chunks: dict[str, Any] = {"pnginfo": png_text(text)} if kind == "png" else {}
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, **_ENCODERS[kind], **chunks)
    return stream.getvalue()


def png_text(text: Mapping[str, str] | None) -> PngImagePlugin.PngInfo:
    """Return the text chunks of a PNG, as Pillow takes them."""
    chunks = PngImagePlugin.PngInfo()
    for key, value in (text or {}).items():
        chunks.add_text(key, value)
    return chunks
