"""From planes in [0, 1] to the 8-bit grey levels that metrics look at."""

import torch
from torch import Tensor

from ssvif.errors import ShapeError

WHITE = 255.0


def grey_levels(*planes: Tensor) -> tuple[Tensor, ...]:
    """Return planes as whole grey levels, as they would be in 8-bit files.

    Args:
        planes: (B, 1, H, W) in [0, 1], all of one shape and with at least two pixels a side.

    Returns:
        As many float32 tensors (B, 1, H, W) with whole numbers in 0..255.

    Raises:
        ShapeError: If a plane is not (B, 1, H, W), or the planes differ in shape.
    """
    shape = planes[0].shape
    if len(shape) != 4 or shape[1] != 1 or min(shape[2:]) < 2:
        raise ShapeError(f"expected (B, 1, H, W) with H and W above 1, found {tuple(shape)}")
    if any(plane.shape != shape for plane in planes):
        found = ", ".join(str(tuple(plane.shape)) for plane in planes)
        raise ShapeError(f"expected fused, vis and ir of one shape, found {found}")
    return tuple((plane.to(torch.float32) * WHITE).round().clamp(0.0, WHITE) for plane in planes)
