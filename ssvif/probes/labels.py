"""Labels at the size of the probe's images."""

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ssvif.data.images import read_mask
from ssvif.errors import ImageError, LabelError
from ssvif.metrics.labels import IGNORED

# Labels are files of our own making: a bound against a foreign one.
_MAX_PIXELS = 1 << 28
_BINARY = 2
_LEAST_SIDE = 1.0  # pixels; what is smaller fills nothing


def read_class_mask(path: Path, classes: tuple[str, ...], size: tuple[int, int]) -> Tensor:
    """Read a mask at the probe's size, by the nearest pixel.

    255 is ignored; `white_as_target` is for masks drawn in black and white.

    Args:
        path: The mask's file.
        classes: Names of its numbers.
        size: Height and width of the probe's images.

    Returns:
        (h, w) uint8.

    Raises:
        LabelError: If it cannot be read, or holds a number that is no class.
    """
    try:
        mask = torch.from_numpy(read_mask(path, max_pixels=_MAX_PIXELS).copy())
    except ImageError as error:
        raise LabelError(str(error)) from error
    for number in sorted(set(mask.unique().tolist()) - {IGNORED}):
        _require_known(number, classes, path)
    return F.interpolate(mask[None, None], size=size, mode="nearest-exact")[0, 0]


def white_as_target(masks: Mapping[str, Tensor], classes: tuple[str, ...]) -> dict[str, Tensor]:
    """Take white for the target in masks that are drawn in black and white.

    They are where there are two classes, and no mask of the set has a 1. One mask alone cannot
    tell: it may show no target, and have pixels to ignore.

    Args:
        masks: (h, w) uint8 by id: all masks of a set.
        classes: Names of their numbers.
    """
    if len(classes) != _BINARY or any(bool((mask == 1).any()) for mask in masks.values()):
        return dict(masks)
    return {key: mask.where(mask != IGNORED, torch.ones_like(mask)) for key, mask in masks.items()}


def read_boxes(path: Path, classes: tuple[str, ...], size: tuple[int, int]) -> Tensor:
    """Read boxes in YOLO's form, in pixels of the probe's images.

    Args:
        path: The boxes' file.
        classes: Names of its numbers; 0 is the first thing, not the background.
        size: Height and width of the probe's images.

    Returns:
        (N, 5) float32: class number, counted from 1 as 0 is the background, then x1, y1, x2, y2.
        Boxes narrower or lower than a pixel are dropped.

    Raises:
        LabelError: If it cannot be read, or holds a number that is no class.
    """
    try:
        lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
        values = torch.tensor([[float(word) for word in line] for line in lines]).view(-1, 5)
    except (OSError, ValueError, RuntimeError) as error:
        raise LabelError(f"{path}: expected lines of five numbers ({error})") from error
    for number in values[:, 0].unique().int().tolist():
        _require_known(number, classes, path)
    height, width = size
    scale = torch.tensor([width, height], dtype=torch.float32)
    centre, half = values[:, 1:3] * scale, values[:, 3:5] * scale / 2.0
    corners = torch.cat([(centre - half).clamp(min=0.0), torch.minimum(centre + half, scale)], 1)
    sides = corners[:, 2:] - corners[:, :2]
    boxes = torch.cat([values[:, :1] + 1.0, corners], dim=1)
    return boxes[(sides >= _LEAST_SIDE).all(dim=1)]


def fill_boxes(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Draw boxes as a mask (h, w) uint8, the largest first, so that small ones stay visible."""
    mask = torch.zeros(size, dtype=torch.uint8)
    areas = (boxes[:, 3] - boxes[:, 1]) * (boxes[:, 4] - boxes[:, 2])
    for number, x1, y1, x2, y2 in boxes[areas.argsort(descending=True, stable=True)].tolist():
        mask[round(y1) : round(y2), round(x1) : round(x2)] = int(number)
    return mask


def _require_known(number: int, classes: tuple[str, ...], path: Path) -> None:
    if not 0 <= number < len(classes):
        known = ", ".join(f"{place} {name}" for place, name in enumerate(classes))
        raise LabelError(
            f"{path}: class {number} is not known; known: {known}; mend the label, or name the "
            "classes in the set's set.yaml"
        )
