"""MSE and PSNR of the fused image against its sources.

Source: Jagalingam and Hegde 2015, doi:10.1016/j.aqpro.2015.02.019.
Differs: the peak is white, where the published evaluators take the fused image's maximum, so
that a darker image scores worse at the same error; PSNR is finite for equal images.
"""

import math

import torch
from torch import Tensor

from ssvif.metrics.levels import WHITE, grey_levels
from ssvif.metrics.metric import Convention

# The variance of rounding to whole grey levels: 8-bit images do not know their values better.
_LEAST_ERROR = 1.0 / 12.0
PSNR_CEILING = 10.0 * math.log10(WHITE**2 / _LEAST_ERROR)


def mean_squared_error(*, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """Mean squared difference from each source, averaged (MSE), in squared grey levels.

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Returns:
        (B,) in [0, 65025]; lower means closer to both sources.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape.
    """
    fused, vis, ir = grey_levels(fused, vis, ir)
    squares = (fused - vis).square() + (fused - ir).square()
    return (squares.flatten(1).mean(1, dtype=torch.float64) / 2.0).to(torch.float32)


def peak_signal_to_noise(
    *, fused: Tensor, vis: Tensor, ir: Tensor, convention: Convention = "sound"
) -> Tensor:
    """Peak over the root of the mean squared difference from both sources (PSNR), in decibels.

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.
        convention: `literature` takes the greatest fused level as the peak, not white.

    Returns:
        (B,) in [0, 58.92]; higher means closer to both sources. In the literature's convention
        a dark image may score less than 0; a black one counts as having a peak of 1.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape.
    """
    error = mean_squared_error(fused=fused, vis=vis, ir=ir).clamp(min=_LEAST_ERROR)
    if convention == "sound":
        return 10.0 * torch.log10(WHITE**2 / error)
    (levels,) = grey_levels(fused)
    peak = levels.amax((1, 2, 3)).clamp(min=1.0)
    return 10.0 * torch.log10(peak.square() / error)
