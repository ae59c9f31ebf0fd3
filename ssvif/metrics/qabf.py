"""Qabf: how much of the sources' edges the fused image keeps.

Source: Xydeas and Petrovic 2000, doi:10.1049/el:20000267, as in the evaluators papers use:
black beyond the border, orientations in (-90, 90] degrees compared without wrapping around.
Differs: edges of equal strength, also flat places, count as kept, where the evaluators take
the strength itself for the ratio (so that flat, equal images score 0.0005).
"""

import math

import torch
from torch import Tensor

from ssvif.metrics.edges import Edges, Sigmoid, find_edges, strength_ratio
from ssvif.metrics.levels import grey_levels
from ssvif.metrics.metric import Convention

_STRENGTH = Sigmoid(ceiling=0.9994, slope=15.0, centre=0.5)
_ORIENTATION = Sigmoid(ceiling=0.9879, slope=22.0, centre=0.8)


def qabf(*, fused: Tensor, vis: Tensor, ir: Tensor, convention: Convention = "sound") -> Tensor:
    """Edge preservation from both sources, weighted by the strength of their edges (Qabf).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.
        convention: `literature` takes the strength for the ratio where both are equal.

    Returns:
        (B,) in [0, 0.975]; higher means that more edges are kept. Sources without any edge
        weigh all pixels alike.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape.
    """
    fused_edges, vis_edges, ir_edges = (
        find_edges(levels, border="constant") for levels in grey_levels(fused, vis, ir)
    )
    kept, weights = [], []
    for source in (vis_edges, ir_edges):
        kept.append(_kept(source, fused_edges, convention))
        weights.append(source.strength)
    weight = torch.cat(weights, dim=1)  # (B, 2, H, W)
    weight = torch.where(weight.amax((1, 2, 3), keepdim=True) > 0.0, weight, 1.0)
    return (torch.cat(kept, dim=1) * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3))


def _kept(source: Edges, fused: Edges, convention: Convention) -> Tensor:
    ratio = strength_ratio(source, fused)
    if convention == "literature":
        ratio = torch.where(source.strength == fused.strength, fused.strength, ratio)
    alike = 1.0 - (source.orientation - fused.orientation).abs() / (math.pi / 2)
    return _STRENGTH(ratio) * _ORIENTATION(alike)
