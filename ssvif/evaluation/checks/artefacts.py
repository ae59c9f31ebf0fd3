"""Halos and noise: what the fused image has that neither source has.

The noise operator is that of Immerkaer 1996, doi:10.1006/cviu.1996.0060; the rest is ours.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ssvif.ops import gaussian_window, separable_filter, sobel

_WHITE = 255.0
_STEP = 4.0  # of `sobel` for a step of 1

_STRONG_EDGE = 48.0  # grey levels of a step
_SATURATED = 250.0  # grey levels and above
_RANGE_REACH = 3  # pixels around a pixel whose grey values are its sources' local range
_NEAR = 8  # pixels from an edge or a saturated region
_TONES = 16  # grey levels that an image's tone is told apart by

_SMOOTHING = (11, 2.0)  # taps and sigma, after which noise is no slope any more
_FLAT_SLOPE = 3.0  # grey levels a pixel
_LEAST_SHARE = 0.001  # of all pixels: fewer say nothing about noise
_NOISE_FLOOR = 0.5  # grey levels: 8-bit images are not cleaner


def halo(*, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """Return how far the fused image overshoots both sources near strong edges.

    Over- and undershoot is what lies outside the range of both sources within 3 pixels. Its mean
    elsewhere at the same grey level is taken off: a fused image that is brighter all over, or has
    more contrast, has no halos.

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Returns:
        (B,) in grey levels, 0 and above, less is better; NaN where no source has a strong edge.

    Raises:
        ShapeError: If a plane is not (B, 1, H, W).
    """
    edges = torch.maximum(_slope(vis), _slope(ir)) >= _STRONG_EDGE
    return _excess(fused, vis, ir, near=_grown(edges, _NEAR))


def halo_saturated(*, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """Return the same as `halo`, near regions where a source is saturated."""
    return _excess(fused, vis, ir, near=_grown(_saturated(vis, ir), _NEAR))


def noise_gain(*, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """Return the noise of the fused image over that of the noisier source, where both are flat.

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Returns:
        (B,), 0 and above: 1 keeps the noise, more amplifies it; NaN where nothing is flat.

    Raises:
        ShapeError: If a plane is not (B, 1, H, W).
    """
    return _noise_ratio(fused, vis, ir, where=_flat(vis, ir))


def noise_gain_saturated(*, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """Return the same as `noise_gain`, within 8 pixels of saturated regions."""
    saturated = _saturated(vis, ir)
    # The operator sees a pixel around: the regions' own rims are no noise.
    band = _grown(saturated, _NEAR) & ~_grown(saturated, 1)
    return _noise_ratio(fused, vis, ir, where=_flat(vis, ir) & band)


def _excess(fused: Tensor, vis: Tensor, ir: Tensor, *, near: Tensor) -> Tensor:
    size, pad = 2 * _RANGE_REACH + 1, _RANGE_REACH
    highest = F.max_pool2d(torch.maximum(vis, ir), size, stride=1, padding=pad)
    lowest = -F.max_pool2d(-torch.minimum(vis, ir), size, stride=1, padding=pad)
    overshoot = _beyond_tone(fused - highest, highest, near)
    undershoot = _beyond_tone(lowest - fused, lowest, near)
    # clamp keeps NaN.
    return _mean_where(overshoot + undershoot, near).clamp(min=0.0)


def _beyond_tone(difference: Tensor, source: Tensor, near: Tensor) -> Tensor:
    """Return excess in grey levels, less its mean elsewhere where the source is as bright."""
    excess = (difference.clamp(min=0.0) * _WHITE).flatten(1)
    level = (source * _TONES).clamp(0, _TONES - 1).long().flatten(1)
    elsewhere = (~near).to(excess).flatten(1)
    empty = excess.new_zeros(len(excess), _TONES)
    sums = empty.scatter_add(1, level, excess * elsewhere)
    counts = empty.scatter_add(1, level, elsewhere)
    overall = sums.sum(1, keepdim=True) / counts.sum(1, keepdim=True).clamp(min=1.0)
    usual = torch.where(counts > 0.0, sums / counts.clamp(min=1.0), overall)
    return (excess - usual.gather(1, level)).view_as(difference)


def _noise_ratio(fused: Tensor, vis: Tensor, ir: Tensor, *, where: Tensor) -> Tensor:
    enough = where.float().mean((1, 2, 3)) >= _LEAST_SHARE
    noise, vis_noise, ir_noise = (_noise(plane, where) for plane in (fused, vis, ir))
    ratio = noise / torch.maximum(vis_noise, ir_noise).clamp(min=_NOISE_FLOOR)
    return torch.where(enough, ratio, torch.nan)


def _noise(plane: Tensor, where: Tensor) -> Tensor:
    """Return the standard deviation (B,) of noise, in grey levels."""
    difference = plane.new_tensor([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]])
    padded = F.pad(plane * _WHITE, (1, 1, 1, 1), mode="reflect")
    response = F.conv2d(padded, difference[None, None]).abs()
    return _mean_where(response, where) * math.sqrt(math.pi / 2.0) / 6.0


def _flat(vis: Tensor, ir: Tensor) -> Tensor:
    taps, sigma = _SMOOTHING
    window = gaussian_window(taps, sigma, like=vis)
    half = taps // 2
    padded = F.pad(torch.cat([vis, ir], dim=1), (half,) * 4, mode="reflect")
    smooth_vis, smooth_ir = separable_filter(padded, window).split(1, dim=1)
    # A step spread over two pixels is a slope of half of it.
    slope = torch.maximum(_slope(smooth_vis), _slope(smooth_ir)) / 2.0
    return (slope <= _FLAT_SLOPE) & ~_saturated(vis, ir)


def _slope(plane: Tensor) -> Tensor:
    """Return the strength of edges (B, 1, H, W), in grey levels of a step."""
    return torch.hypot(*sobel(plane)) / _STEP * _WHITE


def _saturated(vis: Tensor, ir: Tensor) -> Tensor:
    return torch.maximum(vis, ir) * _WHITE >= _SATURATED


def _grown(mask: Tensor, reach: int) -> Tensor:
    grown = F.max_pool2d(mask.float(), 2 * reach + 1, stride=1, padding=reach)
    return grown > 0.0


def _mean_where(plane: Tensor, mask: Tensor) -> Tensor:
    """Return the mean (B,) over a mask; NaN where it is empty."""
    return torch.where(mask, plane, 0.0).sum((1, 2, 3)) / mask.sum((1, 2, 3))
