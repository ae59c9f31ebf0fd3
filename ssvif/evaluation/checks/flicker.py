"""Flicker: changes from frame to frame that the sources do not explain.

Ours. While its weights stand still, a weighted mean of the sources changes at every pixel by
something between the changes of the two; so does their maximum. What lies beyond is flicker.
"""

import pandas as pd
import torch
from torch import Tensor

from ssvif.data.layouts import natural_key
from ssvif.errors import ShapeError

_WHITE = 255.0
_ROUNDING = 1.0  # grey level, by which 8-bit frames may differ for no other reason


def flicker(*, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """Return the mean unexplained change from each frame to the next.

    Args:
        fused: Luminance of consecutive frames, (T, 1, H, W) in [0, 1].
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Returns:
        (T - 1,) in grey levels, 0 and above; less is better.

    Raises:
        ShapeError: If the planes differ in shape, or there are fewer than two frames.
    """
    if fused.shape != vis.shape or fused.shape != ir.shape or len(fused) < 2:
        raise ShapeError(
            f"expected fused, vis and ir (T, 1, H, W) of one shape and at least two frames, found "
            f"{tuple(fused.shape)}, {tuple(vis.shape)} and {tuple(ir.shape)}"
        )
    change, vis_change, ir_change = (plane.diff(dim=0) * _WHITE for plane in (fused, vis, ir))
    above = change - torch.maximum(vis_change, ir_change)
    below = torch.minimum(vis_change, ir_change) - change
    # At most one of the two is positive.
    unexplained = (torch.maximum(above, below) - _ROUNDING).clamp(min=0.0)
    return unexplained.mean((1, 2, 3))


def consecutive(rows: pd.DataFrame) -> list[list[str]]:
    """Return the runs of neighbouring frames: ids in the natural order of their names.

    Args:
        rows: Columns id, set, name, block.

    Returns:
        One list for each block of a set that has two frames or more.
    """
    runs = []
    for _, members in rows.groupby(["set", "block"], sort=True):
        named = zip(members["name"].astype(str), members["id"].astype(str), strict=True)
        ordered = sorted(named, key=lambda each: natural_key(each[0]))
        if len(ordered) > 1:
            runs.append([pair_id for _, pair_id in ordered])
    return runs
