"""TIFFs of which a decoder would show a part alone, or the inverse; refused before that."""

from PIL import ImageFile
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION, TiffImageFile

from ssvif.errors import ImageError

# What kind of page one is, and the bits of previews and of masks of transparency.
_SUBFILE_TYPE = 254
_NO_IMAGE = 0b101
_MOST_PAGES = 16
_WHITE_IS_ZERO = 0


def require_one_image(image: ImageFile.ImageFile, name: str, *, is_deep: bool) -> None:
    """Refuse an opened TIFF of several images, or a deep one whose white is zero.

    Args:
        image: Its header was read, its pixels were not.
        name: What messages call it.
        is_deep: Whether it has more than 8 bits: Pillow inverts what has 8, and nothing else.

    Raises:
        ImageError: Saying what to do.
    """
    if not isinstance(image, TiffImageFile):
        return
    if is_deep and image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO:
        raise ImageError(f"{name}: white is zero in this TIFF; save it with black as zero")
    page = 0
    while image.tag_v2.next:
        page += 1
        image.seek(page)
        is_image = not image.tag_v2.get(_SUBFILE_TYPE, 0) & _NO_IMAGE
        if is_image or page > _MOST_PAGES:
            raise ImageError(f"{name}: a TIFF of several images; save each as a file of its own")
    image.seek(0)
