"""SSIM of the fused image with its sources.

Source: Wang et al. 2004, doi:10.1109/TIP.2003.819861: Gaussian window, sigma 1.5, only where
it fits. The mean over the two sources; some papers print the sum, and published figures of the
Python evaluators were made with a wrong data range.
"""

from torch import Tensor

from ssvif.metrics.levels import WHITE, grey_levels
from ssvif.ops import ssim_map


def structural_similarity(*, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """Structural similarity of the fused image to each source, averaged (SSIM).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1], H and W at least 11.
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Returns:
        (B,) in [-1, 1]; 1 where the fused image equals both sources.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape, or are too small.
    """
    fused, vis, ir = grey_levels(fused, vis, ir)
    with_vis = ssim_map(fused, vis, data_range=WHITE)
    with_ir = ssim_map(fused, ir, data_range=WHITE)
    return ((with_vis + with_ir) / 2.0).flatten(1).mean(1)
