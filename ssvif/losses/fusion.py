"""The fusion loss: brightness, gradients and structure of both cameras.

Source: intensity and gradient terms as in SeAFusion (Tang et al. 2022, Information Fusion,
eq. 4 to 6); the structural term is one minus the mean SSIM (Wang et al. 2004).
Differs: brightness and gradients aim at more contrast than the sources have, gradients keep their
direction, and less is asked of a camera's where the other one is saturated.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from ssvif.ops import sobel, ssim_map

_GLARE = (0.92, 1.0)  # grey values between which a camera goes blind
_GLARE_REACH = 2  # pixels that glare spreads


def intensity_loss(*, fused_y: Tensor, vis_y: Tensor, ir: Tensor, contrast: float = 1.0) -> Tensor:
    """Return the mean distance to the brighter camera, a scalar in [0, 1].

    Args:
        fused_y: Fused luminance, (B, 1, H, W) in [0, 1].
        vis_y: Visible luminance, the same shape.
        ir: Infrared, the same shape.
        contrast: Times the brighter camera's contrast that an image is to have.
    """
    target = stretched(torch.maximum(vis_y, ir), contrast)
    return (fused_y - target).abs().mean()


def stretched(image: Tensor, contrast: float) -> Tensor:
    """Raise the contrast of images to where there is room: dark ones get brighter, bright darker.

    Args:
        image: (B, 1, H, W) in [0, 1].
        contrast: The factor; what leaves [0, 1] is clipped.
    """
    mean = image.mean((1, 2, 3), keepdim=True)
    # The grey value that stays: black for black images, white for white ones.
    fixed = mean.square() / (mean.square() + (1.0 - mean).square())
    return (fixed + contrast * (image - fixed)).clamp(0.0, 1.0)


def gradient_loss(
    *, fused_y: Tensor, vis_y: Tensor, ir: Tensor, sharpness: float = 1.0, veiling: float = 0.0
) -> Tensor:
    """Return the mean distance to `sharpness` times the steeper slope, a scalar of at least 0.

    A slope is a Sobel derivative along one axis, a quarter of which is the difference in grey
    values across a step. Where one camera rises and the other falls, either direction will do; one
    that neither has is as far off as it is steep, so that lamps get no dark rims. What is white
    already cannot show another camera's edges but as dark lines, and its noise as dark grain.

    Args:
        fused_y: Fused luminance, (B, 1, H, W) in [0, 1].
        vis_y: Visible luminance, the same shape.
        ir: Infrared, the same shape.
        sharpness: Times the steeper slope that an image is to have.
        veiling: Share in [0, 1] of a camera's slopes that is not asked for where the other one
            is saturated, and it is not.
    """
    vis_glare, ir_glare = _glare(vis_y), _glare(ir)
    vis_share = sharpness * (1.0 - veiling * (ir_glare - vis_glare).clamp(min=0.0))
    ir_share = sharpness * (1.0 - veiling * (vis_glare - ir_glare).clamp(min=0.0))
    axes = zip(sobel(fused_y), sobel(vis_y), sobel(ir), strict=True)
    distances = [
        slope_distance(fused, first=vis_share * vis, second=ir_share * other)
        for fused, vis, other in axes
    ]
    return torch.stack(distances).sum(0).mean() / 4.0


def slope_distance(fused: Tensor, *, first: Tensor, second: Tensor) -> Tensor:
    """Return how far slopes are from the steeper of two cameras', in a direction that one has.

    Upwards and downwards: the distance to the steepest slope that way, and what that slope lacks
    to the steepest of both ways. The smaller sum counts: 0 at the steepest slope alone.

    Args:
        fused: Signed slopes, of any shape.
        first: Those of one camera, the same shape.
        second: Those of the other one, the same shape.
    """
    rise = torch.maximum(first, second).clamp(min=0.0)
    fall = torch.minimum(first, second).clamp(max=0.0)
    steepest = torch.maximum(rise, -fall)
    rising = (fused - rise).abs() + (steepest - rise)
    falling = (fused - fall).abs() + (steepest + fall)
    return torch.minimum(rising, falling)


def ssim_loss(*, fused_y: Tensor, vis_y: Tensor, ir: Tensor) -> Tensor:
    """Return one minus the mean structural similarity to both cameras, in [0, 2]."""
    similarity = ssim_map(fused_y, vis_y).mean() + ssim_map(fused_y, ir).mean()
    return 1.0 - similarity / 2.0


def fusion_loss(
    *,
    fused_y: Tensor,
    vis_y: Tensor,
    ir: Tensor,
    contrast: float = 1.0,
    sharpness: float = 1.0,
    veiling: float = 0.0,
) -> dict[str, Tensor]:
    """Return the terms `intensity`, `gradient` and `ssim`, unweighted scalars.

    Arguments are those of `intensity_loss`, `gradient_loss` and `ssim_loss`.
    """
    planes = {"fused_y": fused_y, "vis_y": vis_y, "ir": ir}
    return {
        "intensity": intensity_loss(**planes, contrast=contrast),
        "gradient": gradient_loss(**planes, sharpness=sharpness, veiling=veiling),
        "ssim": ssim_loss(**planes),
    }


def _glare(image: Tensor) -> Tensor:
    """Return how blind a camera is, 0 to 1, at and around its saturated pixels."""
    low, high = _GLARE
    blind = ((image - low) / (high - low)).clamp(0.0, 1.0)
    return F.max_pool2d(blind, 2 * _GLARE_REACH + 1, stride=1, padding=_GLARE_REACH)
