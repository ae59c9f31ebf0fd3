"""Edges, and how well a fused image keeps them: what Qabf, Nabf and LabF have in common.

Source: Xydeas and Petrovic 2000, doi:10.1049/el:20000267.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ssvif.ops import sobel


@dataclass(frozen=True)
class Edges:
    """Edges of a batch of planes.

    Args:
        strength: (B, 1, H, W); a step of 1 grey level gives 4.
        orientation: (B, 1, H, W), radians in (-pi/2, pi/2]; pi/2 where nothing runs across.
    """

    strength: Tensor
    orientation: Tensor


@dataclass(frozen=True)
class Sigmoid:
    """A ceiling, a slope and a centre."""

    ceiling: float
    slope: float
    centre: float

    def __call__(self, value: Tensor) -> Tensor:
        """Return the sigmoid of every value."""
        return self.ceiling * torch.sigmoid(self.slope * (value - self.centre))


def find_edges(levels: Tensor, *, border: str) -> Edges:
    """Find the Sobel edges of planes (B, 1, H, W).

    Args:
        levels: Grey levels.
        border: What lies beyond: `constant` (black), `replicate` or `circular`.
    """
    padded = F.pad(levels, (1, 1, 1, 1), mode=border)
    horizontal, vertical = (plane[..., 1:-1, 1:-1] for plane in sobel(padded))
    slope = torch.atan(vertical / -horizontal)
    upright = horizontal == 0.0
    return Edges(torch.hypot(horizontal, vertical), slope.masked_fill(upright, math.pi / 2))


def strength_ratio(first: Edges, second: Edges) -> Tensor:
    """Return the weaker strength over the stronger, in [0, 1]; 1 where neither has an edge."""
    weaker = torch.minimum(first.strength, second.strength)
    stronger = torch.maximum(first.strength, second.strength)
    return (weaker / stronger).masked_fill(stronger == 0.0, 1.0)
