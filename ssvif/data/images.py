"""Image files, on disk or in memory: the one place where they are read and written.

PNG, JPEG, TIFF, WebP and BMP. A file's size is checked from its header before its pixels are
decoded, EXIF orientation is applied, transparency is dropped.
"""

import io
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from ssvif.data.bombs import require_decodable
from ssvif.data.encoding import encode_image
from ssvif.data.tiff import require_one_image
from ssvif.errors import ColourInfraredError, ImageError, ImageTypeError, PixelLimitError
from ssvif.files import atomic_path

UInt8Image = npt.NDArray[np.uint8]
RawImage = npt.NDArray[np.uint8 | np.uint16 | np.float32]

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"})

_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
_WIDE_MODES = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
_DEEP_MODES = _WIDE_MODES | {"F"}
_GREY_SPREAD = 12  # levels between channels that JPEG leaves in grey kept as RGB
_COLOURED_VISIBLE = 0.0005  # a few lamps by night are colour
_COLOURED_INFRARED = 0.05  # a logo or a crosshair is not
_SHRINK = "cut or shrink the image"
_RAISED = ", or raise ingest.max_pixels in params.yaml if it is to be ingested"
# What Pillow's decoders raise on damaged files.
_DECODE_FAULTS = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    NotImplementedError,
    MemoryError,
    struct.error,
    zlib.error,
)

_FILTERS = threading.Lock()  # the filters of warnings are the whole process's


@dataclass(frozen=True)
class ImageBytes:
    """An image file in memory.

    Args:
        name: What messages call it.
        content: The file's bytes.
    """

    name: str
    content: bytes

    def __str__(self) -> str:
        return self.name


# Where an image file is.
ImageSource = Path | ImageBytes


def read_visible(path: ImageSource, *, max_pixels: int) -> UInt8Image:
    """Read a visible image.

    Grey becomes three equal channels; 16-bit grey is taken to use its full range.

    Args:
        path: An image file.
        max_pixels: The most pixels that are decoded.

    Returns:
        (H, W, 3) RGB.

    Raises:
        PixelLimitError: If the header announces more than `max_pixels`.
        ImageError: If the file is not an image, is damaged, or holds floats.
    """
    image = _decode(path, max_pixels)
    if image.mode == "F":
        raise ImageError(f"{path}: an image of floats; save it with 8 or 16 bits")
    if image.mode in _WIDE_MODES:
        grey = (_wide_pixels(image, path) >> 8).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)  # (H, W) -> (H, W, 3)
    return np.asarray(image.convert("RGB"))


def read_infrared_raw(path: ImageSource, *, max_pixels: int) -> RawImage:
    """Read an infrared image with the depth it was recorded in.

    Args:
        path: An image file; grey stored as RGB is taken as grey.
        max_pixels: The most pixels that are decoded.

    Returns:
        (H, W) of uint8, uint16 or float32.

    Raises:
        PixelLimitError: If the header announces more than `max_pixels`.
        ColourInfraredError: If the image is colourful, such as a false-colour rendering.
        ImageError: If the file is not an image, is damaged, or has channels of 16 bits.
    """
    _refuse_deep_channels(path)
    image = _decode(path, max_pixels)
    if image.mode == "F":
        return np.asarray(image, dtype=np.float32)
    if image.mode in _WIDE_MODES:
        return _wide_pixels(image, path)
    return grey_infrared(image, path)


def grey_infrared(image: Image.Image, name: object) -> UInt8Image:
    """Return the pixels of an infrared image of 8 bits.

    Args:
        image: Grey, or grey stored as RGB.
        name: What messages call it.

    Returns:
        (H, W).

    Raises:
        ColourInfraredError: If the image is colourful, such as a false-colour rendering.
        ImageError: If the image has more than 8 bits.
    """
    if image.mode in _DEEP_MODES:
        raise ImageError(
            f"{name}: more than 8 bits (mode {image.mode}); scale it first, by the camera's raw "
            "values of black and white: ssvif.data.images.scale_infrared"
        )
    if image.mode in ("L", "1", "LA"):
        return np.asarray(image.convert("L"))
    rgb = image.convert("RGB")
    if not is_grey(np.asarray(rgb), coloured_share=_COLOURED_INFRARED):
        raise ColourInfraredError(
            f"{name}: the infrared image is in colour; export it in grey (white hot), not in false"
            " colours"
        )
    return np.asarray(rgb.convert("L"))


def read_four_channels(path: ImageSource, *, max_pixels: int) -> tuple[UInt8Image, UInt8Image]:
    """Split a four-channel image, as MFNet has them, into visible and infrared.

    Returns:
        Visible (H, W, 3) and infrared (H, W).

    Raises:
        PixelLimitError: If the header announces more than `max_pixels`.
        ImageError: If the file is not an image of four channels, or is damaged.
    """
    image = _decode(path, max_pixels)
    if image.mode != "RGBA":
        raise ImageError(
            f"{path}: expected four channels (red, green, blue, infrared), found {image.mode}"
        )
    channels = np.asarray(image)
    return np.ascontiguousarray(channels[..., :3]), np.ascontiguousarray(channels[..., 3])


def read_mask(path: ImageSource, *, max_pixels: int) -> UInt8Image:
    """Read a label mask: class numbers as grey values or palette indices.

    Returns:
        (H, W) of class numbers in [0, 255].

    Raises:
        PixelLimitError: If the header announces more than `max_pixels`.
        ImageError: If the file is not an image, is damaged, or holds colours.
    """
    image = _decode(path, max_pixels)
    if image.mode in ("L", "P", "1"):
        return np.asarray(image).astype(np.uint8, copy=False)
    if image.mode in _WIDE_MODES and (wide := _wide_pixels(image, path)).max() <= 255:
        return wide.astype(np.uint8)
    raise ImageError(f"{path}: expected a mask of class numbers 0 to 255, found {image.mode}")


def infrared_depth(path: ImageSource) -> int:
    """Return the bits of a pixel, 8, 16 or 32 (floats), from the header alone.

    Raises:
        ImageError: If the file is not an image.
    """
    with _open(path) as image:
        return {"F": 32}.get(image.mode, 16 if image.mode in _WIDE_MODES else 8)


def is_grey(rgb: UInt8Image, *, coloured_share: float = _COLOURED_VISIBLE) -> bool:
    """Tell whether an (H, W, 3) image has equal channels, save for compression.

    Args:
        rgb: The image.
        coloured_share: Share of pixels that may be in colour all the same.
    """
    red, green, blue = (rgb[..., channel] for channel in range(3))
    highest = np.maximum(np.maximum(red, green), blue)
    lowest = np.minimum(np.minimum(red, green), blue)
    return float((highest - lowest > _GREY_SPREAD).mean()) <= coloured_share


def require_range(value_range: tuple[float, float]) -> None:
    """Refuse raw values of black and white between which there is nothing, or no end.

    Raises:
        ImageError: If the range is empty or endless.
    """
    low, high = value_range
    if not -np.inf < low < high < np.inf:
        raise ImageError(
            f"infrared range {low:g} to {high:g} is empty or endless; give black < white"
        )


def scale_infrared(raw: RawImage, value_range: tuple[float, float]) -> UInt8Image:
    """Map raw values linearly from `value_range` to [0, 255], clipped.

    Args:
        raw: (H, W) of uint8, uint16 or float32; what is not a number becomes 0.
        value_range: The raw values of black and of white.

    Raises:
        ImageError: If the range is empty or endless.
    """
    require_range(value_range)
    low, high = value_range
    if raw.dtype == np.uint8 and (low, high) == (0.0, 255.0):
        return raw.astype(np.uint8, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):  # absurd values end black or white
        scaled = (raw.astype(np.float32) - low) * (255.0 / (high - low))
    levels: npt.NDArray[np.float32] = np.nan_to_num(scaled, nan=0.0).clip(0.0, 255.0)
    return np.rint(levels).astype(np.uint8)


def resize(image: UInt8Image, *, height: int, width: int) -> UInt8Image:
    """Resize an image (H, W) or (H, W, 3), smoothed where it shrinks."""
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(resized)


def write_png(path: Path, image: UInt8Image, *, text: Mapping[str, str] | None = None) -> None:
    """Write an image (H, W) or (H, W, 3) as PNG, whole or not at all.

    Args:
        path: Where to.
        image: The pixels.
        text: Text chunks to keep beside them.

    Raises:
        StorageError: If the file cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(encode_image(image, "png", text=text))


def read_png_text(path: Path) -> dict[str, str]:
    """Return the text chunks before a PNG's pixels, which are not decoded.

    Raises:
        ImageError: If the file is not an image.
    """
    with _open(path) as image:
        return {str(key): value for key, value in image.info.items() if isinstance(value, str)}


@contextmanager
def _open(path: ImageSource) -> Iterator[ImageFile.ImageFile]:
    with ExitStack() as held:
        yield _opened(path, held)


def _stream(path: ImageSource) -> IO[bytes]:
    return io.BytesIO(path.content) if isinstance(path, ImageBytes) else path.open("rb")


def _opened(path: ImageSource, held: ExitStack) -> ImageFile.ImageFile:
    try:
        # Never by its name: Pillow maps some TIFFs into memory then, and scrambles turned ones.
        held.enter_context(stream := _stream(path))
        with _FILTERS, warnings.catch_warnings():
            # It starts at 89 million pixels; every file here has a limit of its own.
            warnings.simplefilter("ignore", category=Image.DecompressionBombWarning)
            return held.enter_context(Image.open(stream, formats=_FORMATS))
    except Image.DecompressionBombError:
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        raise PixelLimitError(f"{path}: more than {limit} pixels; {_SHRINK}") from None
    except UnidentifiedImageError:
        raise ImageTypeError(
            f"{path}: not a PNG, JPEG, TIFF, WebP or BMP image (of TIFF: integers of 8 or 16 bits, "
            "or floats of 32)"
        ) from None
    except _DECODE_FAULTS as error:
        raise ImageError(f"{path}: cannot be read ({_first_line(error)})") from error


def _refuse_deep_channels(path: ImageSource) -> None:
    """Refuse colour of 16 bits, of which Pillow reads the upper eight alone."""
    with _open(path) as image:
        is_deep = image.mode not in _WIDE_MODES and any(";16" in str(tile) for tile in image.tile)
        if is_deep:
            raise ImageError(
                f"{path}: several channels of 16 bits; save the infrared image as one grey channel"
                " of 16 bits"
            )


def _decode(path: ImageSource, max_pixels: int) -> Image.Image:
    with _open(path) as image:
        advice = _SHRINK + ("" if isinstance(path, ImageBytes) else _RAISED)
        try:
            require_one_image(image, str(path), is_deep=image.mode in _DEEP_MODES)
            require_decodable(image, str(path), max_pixels=max_pixels, advice=advice)
            image.load()
            return ImageOps.exif_transpose(image)
        except _DECODE_FAULTS as error:
            reason = f"damaged ({_first_line(error)})"
            raise ImageError(f"{path}: {reason}; copy the file again") from error


def _wide_pixels(image: Image.Image, path: ImageSource) -> npt.NDArray[np.uint16]:
    pixels = np.asarray(image)
    low, high = pixels.min(), pixels.max()
    if low < 0 or high > np.iinfo(np.uint16).max:
        raise ImageError(
            f"{path}: expected values from 0 to 65535, found {low} to {high}; save them as "
            "floats of 32 bits, or with an offset"
        )
    return pixels.astype(np.uint16)


def _first_line(error: BaseException) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (reason.splitlines() or [type(error).__name__])[0]
