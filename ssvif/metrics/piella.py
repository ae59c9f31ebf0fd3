"""Q0, Qw and Qe: Wang and Bovik's index, plain, weighted by saliency, and with edges.

Sources: Piella and Heijmans 2003, doi:10.1109/ICIP.2003.1247209; the index Q0, Wang and Bovik
2002, doi:10.1109/97.995823. Windows of 8x8, saliency is the local variance, edge images are
Sobel strengths, and the edges' exponent is 1.
Differs: the usual MATLAB toolbox puts SSIM in the place of the index, and prints for Qe the
factor of the edge images alone.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ssvif.metrics.edges import find_edges
from ssvif.metrics.levels import grey_levels
from ssvif.ops import separable_filter

_WINDOW = 8
_FLAT = 1e-9  # share of the mean square below which a variance is rounding
PIELLA_MIN_SIDE = _WINDOW


def universal_quality(*, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """Universal quality index of the fused image with each source, averaged (Q0).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1], H and W at least 8.
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Returns:
        (B,) in [-1, 1]; 1 where the fused image equals both sources.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape, or are too small.
    """
    indices, _ = _compare(grey_levels(fused, vis, ir, min_side=PIELLA_MIN_SIDE))
    return indices.mean((1, 2, 3)).to(torch.float32)


def weighted_fusion_quality(*, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """Quality index with the more salient source, most where saliency is high (Qw).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1], H and W at least 8.
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Returns:
        (B,) in [-1, 1]; 1 where the fused image equals both sources.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape, or are too small.
    """
    return _weighted(grey_levels(fused, vis, ir, min_side=PIELLA_MIN_SIDE)).to(torch.float32)


def edge_fusion_quality(*, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """Qw of the images times Qw of their edges (Qe).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1], H and W at least 8.
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Returns:
        (B,) in [-1, 1]; 1 where the fused image equals both sources.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape, or are too small.
    """
    planes = grey_levels(fused, vis, ir, min_side=PIELLA_MIN_SIDE)
    edges = [find_edges(plane, border="replicate").strength for plane in planes]
    return (_weighted(planes) * _weighted(edges)).to(torch.float32)


def _weighted(planes: Sequence[Tensor]) -> Tensor:
    indices, saliencies = _compare(planes)
    total = saliencies.sum(1, keepdim=True)
    share = torch.where(total > 0.0, saliencies / torch.where(total > 0.0, total, 1.0), 0.5)
    quality = (share * indices).sum(1, keepdim=True)
    weight = saliencies.amax(1, keepdim=True)
    # Sources without any contrast: every window counts alike.
    weight = torch.where(weight.amax((2, 3), keepdim=True) > 0.0, weight, 1.0)
    return (weight * quality).sum((1, 2, 3)) / weight.sum((1, 2, 3))


def _compare(planes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the index with each source and its saliency, both (B, 2, H - 7, W - 7)."""
    # float64: sums over a window of whole grey levels are exact, so flat windows have no variance.
    fused, *sources = (plane.double() for plane in planes)
    window = fused.new_full((_WINDOW,), 1.0 / _WINDOW)
    mean, variance = _moments(fused, window)
    indices, saliencies = [], []
    for source in sources:
        other, saliency = _moments(source, window)
        covariance = separable_filter(fused * source, window) - mean * other
        structure = _ratio(2.0 * covariance, variance + saliency)
        indices.append(structure * _ratio(2.0 * mean * other, mean.square() + other.square()))
        saliencies.append(saliency)
    return torch.cat(indices, dim=1), torch.cat(saliencies, dim=1)


def _moments(plane: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
    mean, square = separable_filter(plane, window), separable_filter(plane * plane, window)
    variance = square - mean * mean
    return mean, torch.where(variance > _FLAT * square, variance, 0.0)


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Divide; where there is nothing to compare (0 / 0), both agree: 1."""
    some = denominator > 0.0
    return torch.where(some, numerator / torch.where(some, denominator, 1.0), 1.0)
