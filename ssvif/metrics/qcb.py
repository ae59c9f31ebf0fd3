"""Qcb: how much of the sources' visible contrast the fused image keeps.

Source: Chen and Blum 2009, doi:10.1016/j.imavis.2007.12.002, with the constants of the MATLAB
toolbox of Liu et al. 2012, doi:10.1109/TPAMI.2011.109, that papers use.
Differs: images are scored as they are, borders are continued, and Gaussians sum to 1. The
toolbox stretches each image to 0..255 of its own, which hides a loss of contrast, and takes
black beyond the border, which looks like contrast.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ssvif.metrics.frequencies import filter_frequencies, radial_frequency
from ssvif.metrics.levels import grey_levels, stretch_levels
from ssvif.metrics.metric import Convention
from ssvif.ops import separable_filter

_CYCLES = 1.0 / 30.0  # a degree of sight for each pixel of a side, at half the sampling rate
_WIDE, _NARROW, _NARROW_SHARE = 15.3870, 1.3456, 0.7622  # of the contrast sensitivity
_HALF_WINDOW = 15
_CENTRE_SIGMA, _SURROUND_SIGMA = 2.0, 4.0
_MASKING_P, _MASKING_Q, _MASKING_Z = 3, 2, 1e-4
_LEAST_CONTRAST = 1e-9  # below it, rounding
QCB_MIN_SIDE = _HALF_WINDOW + 1


def contrast_preservation(
    *, fused: Tensor, vis: Tensor, ir: Tensor, convention: Convention = "sound"
) -> Tensor:
    """Share of the sources' masked contrast that is kept, by saliency (Qcb).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1], H and W at least 16.
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.
        convention: `literature` stretches each image to 0..255 and takes black beyond borders.

    Returns:
        (B,) in [0, 1]; higher means that more contrast is kept, and none is added.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape, or are too small.
    """
    levels = grey_levels(fused, vis, ir, min_side=QCB_MIN_SIDE)
    fused_contrast, *contrasts = (_masked_contrast(p.double(), convention) for p in levels)
    kept = torch.cat([_kept(source, fused_contrast) for source in contrasts], dim=1)
    salience = torch.cat(contrasts, dim=1).square()  # (B, 2, H, W)
    total = salience.sum(1, keepdim=True)
    share = torch.where(total > 0.0, salience / torch.where(total > 0.0, total, 1.0), 0.5)
    return (share * kept).sum(1).mean((1, 2)).to(torch.float32)


def _masked_contrast(levels: Tensor, convention: Convention) -> Tensor:
    border = "replicate"
    if convention == "literature":
        levels, border = stretch_levels(levels), "constant"
    frequency = radial_frequency(levels, cycles=_CYCLES)
    narrow = _NARROW_SHARE * torch.exp(-((frequency / _NARROW) ** 2))
    seen = filter_frequencies(levels, torch.exp(-((frequency / _WIDE) ** 2)) - narrow)
    padded = F.pad(seen, (_HALF_WINDOW,) * 4, mode=border)
    centre, surround = (
        separable_filter(padded, _gaussian(sigma, convention, like=seen))
        for sigma in (_CENTRE_SIGMA, _SURROUND_SIGMA)
    )
    lit = surround.abs() > _LEAST_CONTRAST
    contrast = torch.where(lit, centre / torch.where(lit, surround, 1.0) - 1.0, 0.0).abs()
    contrast = torch.where(contrast > _LEAST_CONTRAST, contrast, 0.0)
    return contrast**_MASKING_P / (contrast**_MASKING_Q + _MASKING_Z)


def _gaussian(sigma: float, convention: Convention, *, like: Tensor) -> Tensor:
    """Return 31 taps: in sum 1, or, as the toolbox has it, a density that is cut off."""
    place = torch.arange(-_HALF_WINDOW, _HALF_WINDOW + 1, device=like.device, dtype=like.dtype)
    window = torch.exp(-0.5 * (place / sigma).square()) / (math.sqrt(2.0 * math.pi) * sigma)
    return window if convention == "literature" else window / window.sum()


def _kept(source: Tensor, fused: Tensor) -> Tensor:
    """Return the lesser contrast over the greater; 1 where there is none in both."""
    greater = torch.maximum(source, fused)
    some = greater > 0.0
    return torch.where(some, torch.minimum(source, fused) / torch.where(some, greater, 1.0), 1.0)
