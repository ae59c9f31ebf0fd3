"""SSIM and MS-SSIM of the fused image with its sources.

Sources: SSIM, Wang et al. 2004, doi:10.1109/TIP.2003.819861: Gaussian window, sigma 1.5, only
where it fits; MS-SSIM, Wang et al. 2003, doi:10.1109/ACSSC.2003.1292216.
Both are means over the two sources. Published figures of the Python evaluators are sums, over
uniform windows and with a data range of 2 for levels up to 255.
"""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ssvif.metrics.levels import WHITE, grey_levels
from ssvif.metrics.metric import Convention
from ssvif.ops import SSIM_K1, SSIM_K2, SSIM_SIGMA, SSIM_WINDOW, gaussian_window, separable_filter

_LITERATURE_WINDOW = 7
_LITERATURE_RANGE = 2.0  # of floats in [-1, 1], which the images were taken for
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MS_SSIM_MIN_SIDE = (SSIM_WINDOW - 1) * 2 ** (len(_SCALE_WEIGHTS) - 1) + 1


def structural_similarity(
    *, fused: Tensor, vis: Tensor, ir: Tensor, convention: Convention = "sound"
) -> Tensor:
    """Structural similarity of the fused image to each source, averaged (SSIM).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1], H and W at least 11.
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.
        convention: `literature` gives the sum over the sources, with uniform windows of 7x7 and
            constants for a data range of 2.

    Returns:
        (B,) in [-1, 1]; 1 where the fused image equals both sources. Twice that in the
        literature's convention.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape, or are too small.
    """
    planes = grey_levels(fused, vis, ir, min_side=SSIM_WINDOW)
    if convention == "sound":
        return _mean_similarity(planes, _gaussian(planes[0]), data_range=WHITE)
    # float64: with constants for so small a range, rounding would show in flat places.
    planes = tuple(plane.double() for plane in planes)
    window = planes[0].new_full((_LITERATURE_WINDOW,), 1.0 / _LITERATURE_WINDOW)
    count = _LITERATURE_WINDOW**2
    mean = _mean_similarity(
        planes, window, data_range=_LITERATURE_RANGE, bessel=count / (count - 1)
    )
    return (2.0 * mean).float()


def multi_scale_structural_similarity(*, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """Structural similarity over five scales, averaged over the sources (MS-SSIM).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1], H and W at least 161.
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Returns:
        (B,) in [0, 1]; 1 where the fused image equals both sources. A scale with less than no
        similarity counts as none.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape, or are too small.
    """
    levels = torch.cat(grey_levels(fused, vis, ir, min_side=MS_SSIM_MIN_SIDE), dim=1)
    product = levels.new_ones(2, len(levels))
    for scale, weight in enumerate(_SCALE_WEIGHTS):
        if scale > 0:
            levels = F.avg_pool2d(levels, 2, ceil_mode=True)
        last = scale == len(_SCALE_WEIGHTS) - 1
        planes = levels.split(1, dim=1)
        means = [
            (luminance * structure if last else structure).mean((1, 2, 3))
            for luminance, structure in _terms(planes, _gaussian(levels), data_range=WHITE)
        ]
        product = product * torch.stack(means).clamp(min=0.0) ** weight
    return product.mean(0)


def _gaussian(like: Tensor) -> Tensor:
    return gaussian_window(SSIM_WINDOW, SSIM_SIGMA, like=like)


def _mean_similarity(
    planes: Sequence[Tensor], window: Tensor, *, data_range: float, bessel: float = 1.0
) -> Tensor:
    terms = _terms(planes, window, data_range=data_range, bessel=bessel)
    scores = [(luminance * structure).mean((1, 2, 3)) for luminance, structure in terms]
    return (scores[0] + scores[1]) / 2.0


def _terms(
    planes: Sequence[Tensor], window: Tensor, *, data_range: float, bessel: float = 1.0
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield for each source the luminance term and the contrast-structure term, as maps.

    Args:
        planes: Grey levels of fused, vis and ir, (B, 1, H, W) each.
        window: (T,), sum 1.
        data_range: Distance from black to white.
        bessel: Factor of the variances.
    """
    fused, *sources = planes
    c1, c2 = (SSIM_K1 * data_range) ** 2, (SSIM_K2 * data_range) ** 2
    mean = separable_filter(fused, window)
    variance = separable_filter(fused * fused, window) - mean * mean
    for source in sources:
        other = separable_filter(source, window)
        variances = variance + separable_filter(source * source, window) - other * other
        covariance = separable_filter(fused * source, window) - mean * other
        luminance = (2.0 * mean * other + c1) / (mean * mean + other * other + c1)
        structure = (2.0 * bessel * covariance + c2) / (bessel * variances + c2)
        yield luminance, structure
