"""The machine view: three channels of both cameras for a segmenter, each plane well exposed.

Infrared takes the place of red, and each plane passes a light curve whose strength the fusion
network chooses place by place. A curve keeps the order of grey
values, so nothing is invented and nothing that was told apart becomes alike.

Source: the curves are those of Zero-DCE (Guo et al. 2020, CVPR, eq. 2).
Differs: the strength is one smooth map a plane, the same in each round, and is learnt from
cross-segmentation consistency instead of from exposure losses.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from ssvif.errors import ShapeError

PLANES = 3
ROUNDS = 4  # at full strength the slope at black is 2 to the power of it


def false_colour(vis: Tensor, ir: Tensor) -> Tensor:
    """Stack infrared, visible green and visible blue, (B, 3, H, W).

    Args:
        vis: Visible RGB, (B, 3, H, W) in [0, 1].
        ir: Infrared, (B, 1, H, W) in [0, 1].
    """
    return torch.cat([ir, vis[:, 1:]], dim=1)


def light_curve(image: Tensor, strength: Tensor) -> Tensor:
    """Brighten (or darken) an image by `x + a x (1 - x)`, `ROUNDS` times over.

    Args:
        image: (B, C, H, W) in [0, 1].
        strength: a, of a shape that broadcasts to it, in [-1, 1]; 0 changes nothing.

    Returns:
        The same shape, in [0, 1]; grey values at one place and strength keep their order.
    """
    for _ in range(ROUNDS):
        image = image + strength * image * (1.0 - image)
    return image


def machine_view(*, vis: Tensor, ir: Tensor, tones: Tensor) -> Tensor:
    """Return the image for a segmenter, (B, 3, H, W) in [0, 1].

    Args:
        vis: Visible RGB, (B, 3, H, W) in [0, 1].
        ir: Infrared, (B, 1, H, W) in [0, 1].
        tones: What the fusion network chose, (B, 3, h, w) in [-1, 1], each of its places for a
            square of pixels; what lies beyond the image is cut off.

    Raises:
        ShapeError: If there are not three planes of tones, or they do not cover the image.
    """
    height, width = ir.shape[-2:]
    stride = -(-height // tones.shape[-2])
    if tones.shape[1] != PLANES or tones.shape[-1] * stride < width:
        raise ShapeError(
            f"expected tones (B, {PLANES}, h, w) that cover an image of {height}x{width}, found "
            f"{tuple(tones.shape)}"
        )
    strength = F.interpolate(tones, scale_factor=stride, mode="bilinear")
    return light_curve(false_colour(vis, ir), strength[..., :height, :width])
