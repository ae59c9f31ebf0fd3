"""From planes in [0, 1] to the 8-bit grey levels that metrics look at."""

import torch
from torch import Tensor

from ssvif.errors import ShapeError

WHITE = 255.0


def grey_levels(*planes: Tensor, min_side: int = 2) -> tuple[Tensor, ...]:
    """Return planes as whole grey levels, as they would be in 8-bit files.

    Gradients pass through the rounding as if it were not there.

    Args:
        planes: (B, 1, H, W) in [0, 1], all of one shape.
        min_side: Least H and W.

    Returns:
        As many float32 tensors (B, 1, H, W) with whole numbers in 0..255.

    Raises:
        ShapeError: If a plane is not (B, 1, H, W), is too small, or the planes differ in shape.
    """
    require_planes(*planes, min_side=min_side)
    return tuple(_quantise(plane) for plane in planes)


def require_planes(*planes: Tensor, min_side: int = 2) -> None:
    """Refuse what is not a batch of planes (B, 1, H, W), all of one shape.

    Raises:
        ShapeError: If a plane is not (B, 1, H, W), is too small, or the planes differ in shape.
    """
    shape = tuple(planes[0].shape)
    if len(shape) != 4 or shape[1] != 1 or min(shape[2:]) < min_side:
        raise ShapeError(
            f"expected (B, 1, H, W) with H and W of at least {min_side}, found {shape}"
        )
    if any(plane.shape != shape for plane in planes):
        found = ", ".join(str(tuple(plane.shape)) for plane in planes)
        raise ShapeError(f"expected fused, vis and ir of one shape, found {found}")


def _quantise(plane: Tensor) -> Tensor:
    scaled = (plane.float() * WHITE).clamp(0.0, WHITE)
    if not scaled.requires_grad:
        return scaled.round()
    return scaled.detach().round() + (scaled - scaled.detach())  # the bracket is exactly 0


def stretch_levels(levels: Tensor) -> Tensor:
    """Stretch each plane (B, 1, H, W) to whole grey levels 0..255; flat ones become black.

    Only for the literature's convention: it hides what fusion did to contrast.
    """
    low, high = levels.amin((1, 2, 3), keepdim=True), levels.amax((1, 2, 3), keepdim=True)
    span = torch.where(high > low, high - low, 1.0)
    return ((levels - low) / span * WHITE).round()
