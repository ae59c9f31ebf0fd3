"""Qcv: what a viewer would see of the difference, most where a source is salient.

Source: Chen and Varshney 2007, doi:10.1016/j.inffus.2005.10.001, with the constants of the
MATLAB toolbox of Liu et al. 2012, doi:10.1109/TPAMI.2011.109, that papers use.
Differs: images are scored as they are and their borders continued. The toolbox stretches each
image to 0..255 of its own, which hides a loss of contrast, and takes black beyond the border,
whose edge to the fifth power outweighs the scene.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from ssvif.metrics.edges import find_edges
from ssvif.metrics.frequencies import filter_frequencies, radial_frequency
from ssvif.metrics.levels import grey_levels, stretch_levels
from ssvif.metrics.metric import Convention

_REGION = 16
_SALIENCY_EXPONENT = 5
_CYCLES = 1.0 / 8.0  # a degree of sight for each pixel of a side, at half the sampling rate


def perceived_difference(
    *, fused: Tensor, vis: Tensor, ir: Tensor, convention: Convention = "sound"
) -> Tensor:
    """Contrast-filtered squared difference from the sources, weighted by saliency (Qcv).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.
        convention: `literature` stretches each image to 0..255 and takes black beyond borders.

    Returns:
        (B,), 0 and above, in squared grey levels; lower means closer to what is salient. Sources
        without any edge weigh all regions alike.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape.
    """
    planes = [plane.double() for plane in grey_levels(fused, vis, ir)]
    border = "replicate"
    if convention == "literature":
        planes = [stretch_levels(plane) for plane in planes]
        border = "constant"
    fused_plane, *sources = planes
    sensitivity = _mannos_sakrison(radial_frequency(fused_plane, cycles=_CYCLES))
    saliencies, errors = [], []
    for source in sources:
        strength = find_edges(source, border=border).strength
        saliencies.append(_region_means(strength**_SALIENCY_EXPONENT))
        seen = filter_frequencies(source - fused_plane, sensitivity)
        errors.append(_region_means(seen.square()))
    saliency = torch.cat(saliencies, dim=1)  # (B, 2, regions, regions)
    saliency = torch.where(saliency.amax((1, 2, 3), keepdim=True) > 0.0, saliency, 1.0)
    error = (saliency * torch.cat(errors, dim=1)).sum((1, 2, 3)) / saliency.sum((1, 2, 3))
    return error.to(torch.float32)


def _region_means(plane: Tensor) -> Tensor:
    """Average regions of 16x16; those that stick out are filled with 0, as in the toolbox."""
    height, width = plane.shape[-2:]
    padded = F.pad(plane, (0, -width % _REGION, 0, -height % _REGION))
    return F.avg_pool2d(padded, _REGION)


def _mannos_sakrison(frequency: Tensor) -> Tensor:
    """Return the eye's sensitivity at a frequency in cycles a degree, about 1 at most."""
    scaled = 0.144 * frequency
    return 2.6 * (0.0192 + scaled) * torch.exp(-(scaled**1.1))
