"""VIF: how much of the sources' information can still be read from the fused image.

Source: Sheikh and Bovik 2006, doi:10.1109/TIP.2005.859378, in the pixel domain ("vifp"); the
sum over the two sources, as fusion papers print it.
Differs: a source without any contrast has nothing to lose and counts as 1, not 0/0.
"""

import torch
from torch import Tensor

from ssvif.errors import ShapeError
from ssvif.metrics.levels import grey_levels
from ssvif.ops import gaussian_window, separable_filter

_WINDOWS = (17, 9, 5, 3)  # taps at scales 1 to 4; sigma is a fifth of them
_NOISE_VARIANCE = 2.0  # of the visual system, in squared grey levels
_EPSILON = 1e-10
_MIN_SIDE = 41  # leaves one window at the fourth scale


def visual_information_fidelity(*, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """Visual information fidelity of the fused image to each source, summed (VIF).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1], H and W at least 41.
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Returns:
        (B,), 0 and above; 2 where both sources are kept whole, more where contrast is added.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape, or are too small.
    """
    levels = grey_levels(fused, vis, ir)
    if min(fused.shape[2:]) < _MIN_SIDE:
        raise ShapeError(
            f"VIF: expected at least {_MIN_SIDE} pixels a side, found {tuple(fused.shape)}"
        )
    # float64: flat places are told from others by variances of 1e-10.
    planes = torch.cat(levels, dim=1).double()  # (B, 3, H, W): fused, vis, ir
    kept = planes.new_zeros(len(planes), 2)
    present = torch.zeros_like(kept)
    for scale, taps in enumerate(_WINDOWS):
        window = gaussian_window(taps, taps / 5.0, like=planes)
        if scale > 0:
            planes = separable_filter(planes, window)[..., ::2, ::2]
        kept_here, present_here = _information(planes, window)
        kept += kept_here
        present += present_here
    fidelity = torch.where(present > 0.0, kept / present.clamp(min=_EPSILON), 1.0)
    return fidelity.sum(1).to(torch.float32)


def _information(planes: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
    """Return what is kept of each source and what is in it, at one scale, both (B, 2)."""
    squares = planes * planes
    products = planes[:, :1] * planes[:, 1:]
    moments = separable_filter(torch.cat([planes, squares, products], dim=1), window)
    means, mean_squares, mean_products = moments.split([3, 3, 2], dim=1)
    variances = (mean_squares - means.square()).clamp(min=0.0)
    fused_variance, variance = variances[:, :1], variances[:, 1:]
    covariance = mean_products - means[:, :1] * means[:, 1:]
    # The fused image is modelled as gain * source + noise.
    gain = covariance / (variance + _EPSILON)
    related = (variance >= _EPSILON) & (fused_variance >= _EPSILON) & (gain > 0.0)
    gain = torch.where(related, gain, 0.0)
    noise = (fused_variance - gain * covariance).clamp(min=_EPSILON)
    variance = torch.where(variance >= _EPSILON, variance, 0.0)
    kept = torch.log1p(gain.square() * variance / (noise + _NOISE_VARIANCE))
    present = torch.log1p(variance / _NOISE_VARIANCE)
    return kept.sum((2, 3)), present.sum((2, 3))
