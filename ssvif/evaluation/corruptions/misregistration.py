"""The infrared image does not lie on the visible one any more.

The visible image stays; beyond the border the infrared image is mirrored, as a camera that
looks elsewhere also sees something there.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ssvif.evaluation.corruptions.draw import Draw, Sources

_PERCENT = 100.0


def shift(vis: Tensor, ir: Tensor, level: float, draw: Draw) -> Sources:
    """Move infrared by `level` pixels in a random direction."""
    angle = float(draw.generator.uniform(0.0, 2.0 * math.pi))
    return vis, _warp(ir, right=level * math.cos(angle), down=level * math.sin(angle))


def scale(vis: Tensor, ir: Tensor, level: float, draw: Draw) -> Sources:
    """Enlarge or shrink infrared by `level` per cent about its centre."""
    return vis, _warp(ir, zoom=1.0 + draw.sign() * level / _PERCENT)


def rotation(vis: Tensor, ir: Tensor, level: float, draw: Draw) -> Sources:
    """Turn infrared by `level` degrees about its centre, to either side."""
    return vis, _warp(ir, turn=draw.sign() * math.radians(level))


def _warp(
    plane: Tensor, *, right: float = 0.0, down: float = 0.0, zoom: float = 1.0, turn: float = 0.0
) -> Tensor:
    """Move (pixels), zoom (factor) and turn (radians) what a plane (B, C, H, W) shows."""
    height, width = plane.shape[-2:]
    cos, sin = math.cos(turn) / zoom, math.sin(turn) / zoom
    # From where each pixel is taken, in pixels from the centre, then in shares of half a side.
    matrix = plane.new_tensor([[cos, sin], [-sin, cos]])
    offset = -matrix @ plane.new_tensor([right, down])
    half = plane.new_tensor([width / 2.0, height / 2.0])
    affine = torch.cat([matrix * half / half[:, None], (offset / half)[:, None]], dim=1)
    size = list(plane.shape)
    grid = F.affine_grid(affine.expand(len(plane), 2, 3), size, align_corners=False)
    return F.grid_sample(plane, grid, padding_mode="reflection", align_corners=False)
