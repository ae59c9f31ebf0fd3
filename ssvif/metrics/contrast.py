"""SD, SF and AG: how much contrast a fused image has, in grey levels 0..255.

Sources: SD, Rao 1997, doi:10.1088/0957-0233/8/4/002; SF, Eskicioglu and Fisher 1995,
doi:10.1109/26.477498; AG, Cui et al. 2015, doi:10.1016/j.optcom.2014.12.032.
AG is the mean over all pixels, as in the Python evaluators; MATLAB's divides by
(rows - 1)(columns - 1).
"""

import torch
from torch import Tensor

from ssvif.metrics.levels import grey_levels
from ssvif.metrics.roots import root


def standard_deviation(*, fused: Tensor) -> Tensor:
    """Standard deviation of the grey levels (SD).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].

    Returns:
        (B,) in [0, 127.5] grey levels; higher means more contrast.

    Raises:
        ShapeError: If fused is not (B, 1, H, W).
    """
    (levels,) = grey_levels(fused)
    return levels.flatten(1).std(1, correction=0)


def spatial_frequency(*, fused: Tensor) -> Tensor:
    """Root mean square of the differences between neighbours along rows and columns (SF).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].

    Returns:
        (B,) in [0, 361] grey levels; higher means more texture, or more noise.

    Raises:
        ShapeError: If fused is not (B, 1, H, W).
    """
    (levels,) = grey_levels(fused)
    rows = levels.diff(dim=3).square().flatten(1).mean(1)
    columns = levels.diff(dim=2).square().flatten(1).mean(1)
    return root(rows + columns)


def average_gradient(*, fused: Tensor) -> Tensor:
    """Mean length of the gradient, divided by the root of two (AG).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].

    Returns:
        (B,) in [0, 255] grey levels a pixel; higher means sharper, or noisier.

    Raises:
        ShapeError: If fused is not (B, 1, H, W).
    """
    (levels,) = grey_levels(fused)
    vertical, horizontal = torch.gradient(levels, dim=(2, 3))
    return root((vertical.square() + horizontal.square()) / 2.0).flatten(1).mean(1)
