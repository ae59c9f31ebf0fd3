"""Label masks and boxes that come with a set, in one form. Training never reads them.

Masks stay images of class numbers. Boxes are text in YOLO's form: a line a box, with class
number, then centre and size as shares of the image. Pascal VOC files are rewritten so.
"""

from pathlib import Path
from xml.etree import ElementTree as ET

from ssvif.data.images import UInt8Image, read_mask
from ssvif.errors import ImageError, PairError

# Class numbers of boxes that come with class names; the first three as MSRS has them.
BOX_CLASSES = {
    "person": 0, "people": 0, "pedestrian": 0, "cyclist": 0,
    "bicycle": 1, "bike": 1,
    "car": 2,
    "motorcycle": 3, "bus": 4, "truck": 5, "lamp": 6, "dog": 7,
}  # fmt: skip

_LARGEST_FILE = 1 << 20
_BOX_VALUES = 5
_ROUNDING = 0.01  # boxes of one pixel too many are common

Box = tuple[int, float, float, float, float]


def load_mask(path: Path, *, height: int, width: int, max_pixels: int) -> UInt8Image:
    """Read a mask that fits its pair.

    Raises:
        PairError: `mask_dropped`, if it is not a mask or has another size.
    """
    try:
        mask = read_mask(path, max_pixels=max_pixels)
    except ImageError as error:
        raise PairError("mask_dropped", f"kept without its mask: {error}") from error
    if mask.shape != (height, width):
        raise PairError(
            "mask_dropped",
            f"kept without its mask, which is {mask.shape[1]}x{mask.shape[0]}, the pair"
            f" {width}x{height}",
        )
    return mask


def load_boxes(path: Path, *, height: int, width: int) -> str:
    """Read boxes as text in YOLO's form, from that or from Pascal VOC.

    Raises:
        PairError: `boxes_dropped`, if the file is neither.
    """
    try:
        text = _text(path)
        is_voc = path.suffix.lower() == ".xml"
        boxes = _voc_boxes(text, height, width) if is_voc else _yolo_boxes(text)
    except (OSError, ValueError, ET.ParseError) as error:
        raise PairError(
            "boxes_dropped", f"kept without its boxes: {path.name} is not understood ({error})"
        ) from error
    return "".join(
        f"{number} " + " ".join(f"{share:.6f}" for share in shares) + "\n"
        for number, *shares in boxes
    )


def _text(path: Path) -> str:
    if path.stat().st_size > _LARGEST_FILE:
        raise ValueError(f"more than {_LARGEST_FILE} bytes")
    return path.read_text(encoding="utf-8")


def _yolo_boxes(text: str) -> list[Box]:
    return [_yolo_box(line.strip()) for line in text.splitlines() if line.strip()]


def _yolo_box(line: str) -> Box:
    words = line.split()
    if len(words) != _BOX_VALUES:
        raise ValueError(f"expected class, x, y, width, height, found {line[:60]!r}")
    x, y, width, height = (float(word) for word in words[1:])
    return _checked((int(words[0]), x, y, width, height))


def _voc_boxes(text: str, height: int, width: int) -> list[Box]:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("document types are not accepted")
    root = ET.fromstring(text)  # noqa: S314 - entities, the danger, are refused above
    return [_voc_box(item, height, width) for item in root.iter("object")]


def _voc_box(item: ET.Element, height: int, width: int) -> Box:
    name = (item.findtext("name") or "").strip().casefold()
    if name not in BOX_CLASSES:
        raise ValueError(f"unknown class {name!r}; known: {', '.join(BOX_CLASSES)}")
    left, top, right, bottom = (
        float(item.findtext(f"bndbox/{side}") or "nan") for side in ("xmin", "ymin", "xmax", "ymax")
    )
    centre_x, centre_y = (left + right) / 2 / width, (top + bottom) / 2 / height
    size_x, size_y = (right - left) / width, (bottom - top) / height
    return _checked((BOX_CLASSES[name], centre_x, centre_y, size_x, size_y))


def _checked(box: Box) -> Box:
    if not all(0.0 <= share <= 1.0 + _ROUNDING for share in box[1:]):
        raise ValueError(f"expected shares of the image in [0, 1], found {box[1:]}")
    return box
