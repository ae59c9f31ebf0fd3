"""What a fused PNG says of where it comes from, as text chunks beside its pixels.

ssvif:weights   SHA-256 of the weights
ssvif:vis       SHA-256 of the visible file
ssvif:ir        SHA-256 of the infrared file
ssvif:ir_range  raw values shown black and white, for infrared of more than 8 bits
ssvif:view      for whom the image is, unless it is for people
ssvif:precision of the network's convolutions, unless it is float32
ssvif:colour    how it is coloured, unless it is as the visible image
ssvif:aligned   where infrared was brought to, if it was
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ssvif.data.images import read_png_text
from ssvif.errors import ImageError

_PREFIX = "ssvif:"
_NEEDED = ("weights", "vis", "ir")


@dataclass(frozen=True)
class Marks:
    """Where a fused image comes from; equal marks mean equal pixels, to one grey level.

    Args:
        weights: SHA-256 of the weights file.
        vis: SHA-256 of the visible file.
        ir: SHA-256 of the infrared file.
        ir_range: Raw values of black and white, such as `27000 30000`; empty for 8 bits.
        view: For whom the image is, such as `machine`; empty for people.
        precision: Of the network's convolutions, such as `bfloat16`; empty for float32.
        colour: How it is coloured, such as `grey`; empty for the visible image's colours.
        aligned: The homography that infrared was brought on the visible image by; empty for none.
    """

    weights: str
    vis: str
    ir: str
    ir_range: str = ""
    view: str = ""
    precision: str = ""
    colour: str = ""
    aligned: str = ""

    def as_text(self) -> Mapping[str, str]:
        """Return the text chunks."""
        return {f"{_PREFIX}{key}": value for key, value in self.__dict__.items() if value}


def as_words(values: Iterable[float]) -> str:
    """Return numbers as marks hold them: six digits where they suffice, else twelve."""
    short = ((value, f"{value:g}") for value in values)
    return " ".join(word if float(word) == value else f"{value:.12g}" for value, word in short)


def read_marks(path: Path) -> Marks | None:
    """Return where an image comes from, or None where it does not say, or is no image.

    Args:
        path: A file, or where there is none.
    """
    try:
        text = read_png_text(path)
    except ImageError:
        return None
    found = {
        key.removeprefix(_PREFIX): value for key, value in text.items() if key.startswith(_PREFIX)
    }
    if not all(found.get(key) for key in _NEEDED):
        return None
    known = Marks.__dataclass_fields__
    return Marks(**{key: value for key, value in found.items() if key in known})
