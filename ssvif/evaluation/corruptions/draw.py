"""What a corruption works with: random numbers, another frame, and linear light."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

GAMMA = 2.2  # of displays; cameras undo it, so that grey levels are not proportional to light

Sources = tuple[Tensor, Tensor]  # vis (B, 3, H, W) and ir (B, 1, H, W), in [0, 1]


@dataclass(frozen=True)
class Draw:
    """What a corruption may use besides the pair.

    Args:
        generator: Seeded by the pair and the degradation, not by the severity: a worse severity
            is more of the same.
        other: A frame of another scene, of the same size.
    """

    generator: np.random.Generator
    other: Sources

    def normal(self, *shape: int, like: Tensor) -> Tensor:
        """Return standard normal numbers, on the device and in the dtype of `like`."""
        noise = self.generator.standard_normal(shape, dtype=np.float32)
        return torch.from_numpy(noise).to(like)

    def uniform(self, *shape: int, like: Tensor) -> Tensor:
        """Return numbers in [0, 1), on the device and in the dtype of `like`."""
        return torch.from_numpy(self.generator.random(shape, dtype=np.float32)).to(like)

    def sign(self) -> float:
        """Return -1 or 1."""
        return float(1 - 2 * self.generator.integers(2))


# Takes vis, ir, the level and what was drawn; returns vis and ir anew.
Corruption = Callable[[Tensor, Tensor, float, Draw], Sources]


def to_light(image: Tensor) -> Tensor:
    """Turn grey values in [0, 1] into light, white being 1."""
    return image.clamp(0.0, 1.0) ** GAMMA


def to_grey(light: Tensor) -> Tensor:
    """Turn light into grey values in [0, 1]; what is brighter than white is white."""
    return light.clamp(0.0, 1.0) ** (1.0 / GAMMA)
