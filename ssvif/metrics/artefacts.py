"""Nabf and LabF: edges that fusion made up, and edges that it lost.

Sources: Petrovic and Xydeas 2005, doi:10.1117/12.603349; Nabf as Shreyamsha Kumar 2013,
doi:10.1007/s11760-013-0556-9, has it. With the edge preservation of these two (its constants
differ from Qabf's), what is kept, lost and made up add to 1.
Differs: two places without edges have equal edges, and the border is continued, where the
evaluators count the one as lost and wrap the other around.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ssvif.metrics.edges import Edges, Sigmoid, find_edges, strength_ratio
from ssvif.metrics.levels import grey_levels
from ssvif.metrics.metric import Convention

_STRENGTH = Sigmoid(ceiling=0.9999, slope=19.0, centre=0.5)
_ORIENTATION = Sigmoid(ceiling=0.9995, slope=22.0, centre=0.5)
_SOBEL_SCALE = 8.0  # their Sobel kernels are divided by 8
_LEAST_EDGE = 2.0  # Td, in grey levels
_WEIGHT_EXPONENT = 1.5  # Lg
_LEAST_WEIGHT = 0.001


@dataclass(frozen=True)
class _Comparison:
    """What becomes of both sources' edges.

    Args:
        missing: How little of an edge is preserved, (B, 2, H, W) in [0, 1].
        weight: How much an edge counts, (B, 2, H, W).
        made_up: Whether the fused edge is stronger than both, (B, 1, H, W).
    """

    missing: Tensor
    weight: Tensor
    made_up: Tensor

    def share(self, where: Tensor) -> Tensor:
        """Return the weighted share (B,) that is missing where a mask (B, 1, H, W) is true."""
        return (self.missing * self.weight * where).sum((1, 2, 3)) / self.weight.sum((1, 2, 3))


def artefacts(
    *, fused: Tensor, vis: Tensor, ir: Tensor, convention: Convention = "sound"
) -> Tensor:
    """Share of edges that the fused image has and neither source has (Nabf).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.
        convention: `literature` counts flat places as lost and wraps the border around.

    Returns:
        (B,) in [0, 1]; lower means fewer artefacts.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape.
    """
    compared = _compare(fused, vis, ir, convention)
    return compared.share(compared.made_up)


def fusion_loss(
    *, fused: Tensor, vis: Tensor, ir: Tensor, convention: Convention = "sound"
) -> Tensor:
    """Share of the sources' edges that the fused image lost (LabF).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.
        convention: `literature` counts flat places as lost and wraps the border around.

    Returns:
        (B,) in [0, 1]; lower means that less is lost.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape.
    """
    compared = _compare(fused, vis, ir, convention)
    return compared.share(~compared.made_up)


def _compare(fused: Tensor, vis: Tensor, ir: Tensor, convention: Convention) -> _Comparison:
    border = "circular" if convention == "literature" else "replicate"
    fused_edges, *sources = (
        find_edges(levels, border=border) for levels in grey_levels(fused, vis, ir)
    )
    missing = [1.0 - _preserved(source, fused_edges, convention) for source in sources]
    strengths = torch.cat([source.strength for source in sources], dim=1) / _SOBEL_SCALE
    heavy = strengths >= _LEAST_EDGE
    weight = torch.where(heavy, strengths**_WEIGHT_EXPONENT, _LEAST_WEIGHT)
    made_up = fused_edges.strength > torch.maximum(sources[0].strength, sources[1].strength)
    return _Comparison(torch.cat(missing, dim=1), weight, made_up)


def _preserved(source: Edges, fused: Edges, convention: Convention) -> Tensor:
    ratio = strength_ratio(source, fused)
    turned = source.orientation - fused.orientation
    if convention == "literature":
        ratio = ratio.masked_fill((source.strength == 0.0) | (fused.strength == 0.0), 0.0)
        turned = _level_where_flat(source) - _level_where_flat(fused)
    alike = (turned.abs() - math.pi / 2).abs() / (math.pi / 2)
    return (_STRENGTH(ratio) * _ORIENTATION(alike)).sqrt()


def _level_where_flat(edges: Edges) -> Tensor:
    """Return orientations with 0 where there is no edge, and not a right angle."""
    return edges.orientation.masked_fill(edges.strength == 0.0, 0.0)
