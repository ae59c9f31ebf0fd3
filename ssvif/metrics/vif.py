"""VIF: how much of the sources' information can still be read from the fused image.

Source: Sheikh and Bovik 2006, doi:10.1109/TIP.2005.859378, in the pixel domain ("vifp"); the
sum over the two sources, as fusion papers print it.
Differs: a source without any contrast has nothing to lose and counts as 1, not 0/0.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from ssvif.metrics.levels import grey_levels
from ssvif.ops import gaussian_window, separable_filter

_WINDOWS = (17, 9, 5, 3)  # taps at scales 1 to 4; sigma is a fifth of them
_NOISE_VARIANCE = 2.0  # of the visual system, in squared grey levels
_EPSILON = 1e-10
VIF_MIN_SIDE = 41  # leaves one window at the fourth scale


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
    levels = grey_levels(fused, vis, ir, min_side=VIF_MIN_SIDE)
    # float64: flat places are told from others by variances of 1e-10.
    planes = [plane.double() for plane in levels]
    kept = present = planes[0].new_zeros(2, len(fused))
    for scale, taps in enumerate(_WINDOWS):
        window = gaussian_window(taps, taps / 5.0, like=planes[0])
        if scale > 0:
            planes = [separable_filter(plane, window, step=2) for plane in planes]
        kept_here, present_here = _information(planes, window)
        kept, present = kept + kept_here, present + present_here
    fidelity = torch.where(present > 0.0, kept / present.clamp(min=_EPSILON), 1.0)
    return fidelity.sum(0).to(torch.float32)


def _information(planes: Sequence[Tensor], window: Tensor) -> tuple[Tensor, Tensor]:
    """Return what is kept of each source and what is in it, at one scale, both (2, B)."""
    fused, vis, ir = planes
    mean, *means = (separable_filter(plane, window) for plane in planes)
    fused_variance = separable_filter(fused * fused, window) - mean * mean
    kept, present = [], []
    for source, source_mean in zip((vis, ir), means, strict=True):
        variance = separable_filter(source * source, window) - source_mean * source_mean
        covariance = separable_filter(fused * source, window) - mean * source_mean
        # What cancels has cancelled: the rest is as good in float32, and faster.
        found = _compare(fused_variance.float(), variance.float(), covariance.float())
        kept.append(found[0])
        present.append(found[1])
    return torch.stack(kept), torch.stack(present)


def _compare(fused_variance: Tensor, variance: Tensor, covariance: Tensor) -> tuple[Tensor, Tensor]:
    """Return the information (B,), in nats, that is kept of one source and that is in it."""
    # The fused image is modelled as gain * source + noise.
    gain = covariance / (variance + _EPSILON)
    related = (variance >= _EPSILON) & (fused_variance >= _EPSILON) & (gain > 0.0)
    gain = torch.where(related, gain, 0.0)
    noise = (fused_variance - gain * covariance).clamp(min=_EPSILON)
    variance = torch.where(variance >= _EPSILON, variance, 0.0)
    kept = torch.log1p(gain.square() * variance / (noise + _NOISE_VARIANCE))
    present = torch.log1p(variance / _NOISE_VARIANCE)
    places = (1, 2, 3)
    return kept.sum(places, dtype=torch.float64), present.sum(places, dtype=torch.float64)
