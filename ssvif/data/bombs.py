"""Image files that take far more to decode than they look; refused before they are decoded."""

import re
from typing import IO

from PIL import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TILELENGTH, TILEWIDTH, TiffImageFile

from ssvif.errors import ImageError, PixelLimitError

MOST_SCANS = 100  # of a JPEG: cameras write one, progressive encoders some ten

# A scan begins with its marker and its length, 6 bytes and 2 for each of four components at most.
_SCAN = re.compile(rb"\xff\xda\x00[\x06-\x0e]")


def require_decodable(
    image: ImageFile.ImageFile, name: str, *, max_pixels: int, advice: str
) -> None:
    """Refuse an opened image whose pixels would take too much memory or time.

    Args:
        image: Its header was read, its pixels were not.
        name: What messages call it.
        max_pixels: The most pixels that are decoded.
        advice: What to do, where it has more.

    Raises:
        PixelLimitError: If the image, or a tile of its file, has more than `max_pixels`.
        ImageError: If it is a JPEG of more than `MOST_SCANS` scans, each of which goes over all
            pixels.
    """
    for width, height in (image.size, _tile(image)):
        if width * height > max_pixels:
            raise PixelLimitError(
                f"{name}: {width}x{height} are more than {max_pixels} pixels; {advice}"
            )
    scans = _scans(image.fp) if isinstance(image, JpegImageFile) and image.fp else 0
    if scans > MOST_SCANS:
        raise ImageError(f"{name}: a JPEG of {scans} scans, more than {MOST_SCANS}; save it again")


def _tile(image: ImageFile.ImageFile) -> tuple[int, int]:
    """Return the size of a TIFF's tiles: each is decoded whole, however small the image is."""
    if not isinstance(image, TiffImageFile):
        return 0, 0
    width, height = (image.tag_v2.get(tag, 0) for tag in (TILEWIDTH, TILELENGTH))
    if not (isinstance(width, int) and isinstance(height, int)):
        raise TypeError("the size of its tiles is no number")
    return width, height


def _scans(file: IO[bytes]) -> int:
    file.seek(0)
    return len(_SCAN.findall(file.read()))
