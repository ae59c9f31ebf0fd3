"""A camera that is lost, stands still, is compressed, or sees something else than assumed."""

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ssvif.evaluation.corruptions.draw import Draw, Sources

_WHITE = 255.0
_PERCENT = 100.0
_MID_GREY = 128.0 / 255.0
# How bright foliage is in near infrared beyond its green, and how dark a blue sky.
_RED_EDGE = 1.5
_SKY = 0.6


def jpeg(vis: Tensor, ir: Tensor, level: float, _draw: Draw) -> Sources:
    """Compress both images as JPEG files of quality `level`."""
    return _compress(vis, int(level)), _compress(ir, int(level))


def visible_black(vis: Tensor, ir: Tensor, level: float, _draw: Draw) -> Sources:
    """Lose the lower `level` per cent of the visible image; they are black."""
    return _replace_rows(vis, torch.zeros_like(vis), level), ir


def infrared_black(vis: Tensor, ir: Tensor, level: float, _draw: Draw) -> Sources:
    """Lose the lower `level` per cent of the infrared image; they are black."""
    return vis, _replace_rows(ir, torch.zeros_like(ir), level)


def visible_grey(vis: Tensor, ir: Tensor, level: float, _draw: Draw) -> Sources:
    """Lose the lower `level` per cent of the visible image; they are mid grey."""
    return _replace_rows(vis, torch.full_like(vis, _MID_GREY), level), ir


def infrared_grey(vis: Tensor, ir: Tensor, level: float, _draw: Draw) -> Sources:
    """Lose the lower `level` per cent of the infrared image; they are mid grey."""
    return vis, _replace_rows(ir, torch.full_like(ir, _MID_GREY), level)


def visible_frozen(vis: Tensor, ir: Tensor, level: float, draw: Draw) -> Sources:
    """Leave another scene in the lower `level` per cent of the visible image."""
    return _replace_rows(vis, draw.other[0], level), ir


def infrared_frozen(vis: Tensor, ir: Tensor, level: float, draw: Draw) -> Sources:
    """Leave another scene in the lower `level` per cent of the infrared image."""
    return vis, _replace_rows(ir, draw.other[1], level)


def black_hot(vis: Tensor, ir: Tensor, level: float, _draw: Draw) -> Sources:
    """Mix `level` per cent of its negative into infrared: warm is dark at the end."""
    return vis, torch.lerp(ir, 1.0 - ir, level / _PERCENT)


def near_infrared(vis: Tensor, ir: Tensor, level: float, _draw: Draw) -> Sources:
    """Mix `level` per cent of what a near-infrared camera might see into infrared.

    Near infrared is reflected light, like red, with bright foliage and a dark sky. A guess from
    colours: it says nothing that the visible image does not, as near infrared would.
    """
    red, green, blue = vis.unbind(1)
    foliage = (green - torch.maximum(red, blue)).clamp(min=0.0)
    sky = (blue - red).clamp(min=0.0)
    near = (red + _RED_EDGE * foliage - _SKY * sky).clamp(0.0, 1.0)[:, None]
    return vis, torch.lerp(ir, near, level / _PERCENT)


def _replace_rows(image: Tensor, other: Tensor, level: float) -> Tensor:
    """Return the image with its lower `level` per cent from another one."""
    kept = round(image.shape[-2] * (1.0 - level / _PERCENT))
    return torch.cat([image[..., :kept, :], other[..., kept:, :]], dim=-2)


def _compress(image: Tensor, quality: int) -> Tensor:
    levels = (image * _WHITE).round().byte().permute(0, 2, 3, 1).cpu().numpy()  # (B, H, W, C)
    read = []
    for picture in levels:
        stream = io.BytesIO()
        Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture).save(
            stream, format="JPEG", quality=quality
        )
        read.append(np.asarray(Image.open(stream)).reshape(picture.shape))
    planes = torch.from_numpy(np.stack(read)).permute(0, 3, 1, 2)
    return planes.to(image) / _WHITE
