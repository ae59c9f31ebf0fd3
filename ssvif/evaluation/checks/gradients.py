"""How much of each source's gradients the fused image keeps.

Ours. Gradients are projected, so that an edge counts as far as it points the same way and is
no stronger than it was: turned, inverted or invented edges keep nothing.
"""

import torch
from torch import Tensor

from ssvif.ops import sobel


def gradients_kept(*, fused: Tensor, vis: Tensor, ir: Tensor) -> tuple[Tensor, Tensor]:
    """Return the share of the visible and of the infrared gradients that the fused image keeps.

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Returns:
        Two tensors (B,) in [0, 1]; NaN for a source without any edge.

    Raises:
        ShapeError: If a plane is not (B, 1, H, W).
    """
    edges = sobel(fused)
    return _kept(edges, sobel(vis)), _kept(edges, sobel(ir))


def _kept(fused: tuple[Tensor, Tensor], source: tuple[Tensor, Tensor]) -> Tensor:
    strength = torch.hypot(*source)
    along = fused[0] * source[0] + fused[1] * source[1]
    projected = torch.where(strength > 0.0, along / strength, 0.0)
    kept = torch.minimum(projected.clamp(min=0.0), strength)
    return kept.sum((1, 2, 3)) / strength.sum((1, 2, 3))  # 0 / 0 is NaN, as it should be
