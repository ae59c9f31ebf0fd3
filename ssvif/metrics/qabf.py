"""Qabf: how much of the sources' edges the fused image keeps.

Source: Xydeas and Petrovic 2000, doi:10.1049/el:20000267, as in the evaluators papers use:
black beyond the border, orientations in (-90, 90] degrees compared without wrapping around.
Differs: edges of equal strength, also flat places, count as kept, where the evaluators take
the strength itself for the ratio (so that flat, equal images score 0.0005).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ssvif.metrics.levels import grey_levels
from ssvif.ops import sobel

_STRENGTH = (0.9994, 15.0, 0.5)  # ceiling, slope, centre of the sigmoid
_ORIENTATION = (0.9879, 22.0, 0.8)


def qabf(*, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """Edge preservation from both sources, weighted by the strength of their edges (Qabf).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Returns:
        (B,) in [0, 0.975]; higher means that more edges are kept.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape.
    """
    fused_edges, vis_edges, ir_edges = (_edges(plane) for plane in grey_levels(fused, vis, ir))
    kept = torch.cat([_kept(vis_edges, fused_edges), _kept(ir_edges, fused_edges)], dim=1)
    weight = torch.cat([vis_edges[0], ir_edges[0]], dim=1)  # (B, 2, H, W)
    # Sources without any edge: every pixel counts alike.
    weight = torch.where(weight.amax((1, 2, 3), keepdim=True) > 0.0, weight, 1.0)
    return (kept * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3))


def _edges(levels: Tensor) -> tuple[Tensor, Tensor]:
    """Return strength and orientation (radians), each (B, 1, H, W)."""
    padded = F.pad(levels, (1, 1, 1, 1))
    horizontal, vertical = (plane[..., 1:-1, 1:-1] for plane in sobel(padded))
    strength = torch.hypot(horizontal, vertical)
    upright = torch.full_like(horizontal, math.pi / 2)
    orientation = torch.where(horizontal == 0.0, upright, torch.atan(vertical / -horizontal))
    return strength, orientation


def _kept(source: tuple[Tensor, Tensor], fused: tuple[Tensor, Tensor]) -> Tensor:
    strongest = torch.maximum(source[0], fused[0])
    ratio = torch.minimum(source[0], fused[0]) / strongest
    ratio = torch.where(strongest > 0.0, ratio, 1.0)
    alike = 1.0 - (source[1] - fused[1]).abs() / (math.pi / 2)
    return _sigmoid(ratio, *_STRENGTH) * _sigmoid(alike, *_ORIENTATION)


def _sigmoid(value: Tensor, ceiling: float, slope: float, centre: float) -> Tensor:
    return ceiling * torch.sigmoid(slope * (value - centre))
