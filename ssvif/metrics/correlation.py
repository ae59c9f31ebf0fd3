"""CC and SCD: correlation with the sources, and of what is added to one with the other.

Sources: CC, Deshmukh and Bhosale 2010, Int. J. Image Processing 4(5); SCD, Aslantas and Bendes
2015, doi:10.1016/j.aeue.2015.09.004.
Differs: an image without contrast correlates with nothing and counts as 0, not 0/0.
"""

import torch
from torch import Tensor

from ssvif.metrics.levels import grey_levels
from ssvif.metrics.roots import root

# Below the least of an image that is not constant: one pixel of 1e7 off by one level.
_FLAT_DEVIATION = 1e-4


def correlation_coefficient(*, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """Pearson's correlation of the fused image with each source, averaged (CC).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Returns:
        (B,) in [-1, 1]; higher means that the fused image follows both sources.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape.
    """
    fused, vis, ir = grey_levels(fused, vis, ir)
    return (_correlation(fused, vis) + _correlation(fused, ir)) / 2.0


def sum_of_correlations_of_differences(*, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """Correlation of (fused - vis) with ir, plus that of (fused - ir) with vis (SCD).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Returns:
        (B,) in [-2, 2]; higher means that the sources complement each other in the fused image.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape.
    """
    fused, vis, ir = grey_levels(fused, vis, ir)
    return _correlation(fused - vis, ir) + _correlation(fused - ir, vis)


def _correlation(first: Tensor, second: Tensor) -> Tensor:
    """Return Pearson's correlation (B,) of planes (B, 1, H, W); 0 where one is constant."""
    first, second = (plane.flatten(1) for plane in (first, second))
    first, second = (plane - plane.mean(1, keepdim=True) for plane in (first, second))
    deviations = [root(plane.square().mean(1)) for plane in (first, second)]
    varied = (deviations[0] > _FLAT_DEVIATION) & (deviations[1] > _FLAT_DEVIATION)
    scale = torch.where(varied, deviations[0] * deviations[1], 1.0)
    correlation = (first * second).mean(1) / scale
    return torch.where(varied, correlation.clamp(-1.0, 1.0), 0.0)
