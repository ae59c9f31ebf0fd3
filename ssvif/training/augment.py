"""Photometric changes that a segmentation must not depend on.

Every image of a batch gets its own draw; the generator decides all of it. Of several processes
each draws for the whole batch, and keeps what is for its share.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from ssvif import processes
from ssvif.models.machine import CHANNELS, PLANES, Recipe, initial_mixing

GAIN = 0.2
GAMMA = 0.25
NOISE = 0.02
TONES = (-0.3, 0.8)
MIXING = 2.0  # deviation of the shares' logits


def jitter(image: Tensor, generator: torch.Generator) -> Tensor:
    """Change gain and gamma of each image and add noise.

    Args:
        image: (B, C, H, W) in [0, 1]; all channels of an image change alike.
        generator: On the CPU, whatever the image's device.

    Returns:
        (B, C, H, W) in [0, 1]; differentiable in the image.
    """
    gain = _uniform(image, generator, 1.0 - GAIN, 1.0 + GAIN)
    gamma = _uniform(image, generator, -GAMMA, GAMMA).exp()
    deviation = _uniform(image, generator, 0.0, NOISE)
    noise = _drawn(torch.randn, *image.shape, generator=generator).to(image)
    # The slope of a power below one is unbounded at zero.
    changed = (gain * image).clamp(1.0e-3, 1.0) ** gamma
    return (changed + deviation * noise).clamp(0.0, 1.0)


def noisy_channel(image: Tensor, deviation: float, generator: torch.Generator) -> Tensor:
    """Add white noise: what reads the image afterwards needs a signal that stands out of it.

    Args:
        image: (B, C, H, W) in [0, 1].
        deviation: Standard deviation of the noise, in grey values of [0, 1].
        generator: On the CPU, whatever the image's device.

    Returns:
        The same shape, in [0, 1]; differentiable in the image.
    """
    noise = _drawn(torch.randn, *image.shape, generator=generator).to(image)
    return (image + deviation * noise).clamp(0.0, 1.0)


def draw_kept(batch: int, dropout: float, generator: torch.Generator) -> Tensor:
    """Draw which cameras a branch may read, (2, B): zero where one is dropped, never both.

    Args:
        batch: Scenes B.
        dropout: How often the visible camera is dropped, and as often the infrared one.
        generator: On the CPU.
    """
    draw = _drawn(torch.rand, batch, generator=generator)
    return torch.stack([draw >= dropout, draw < 1.0 - dropout]).float()


def draw_recipe(batch: int, generator: torch.Generator) -> Recipe:
    """Draw machine views of any mixture, a little darkened to much brightened in `TONES`.

    Args:
        batch: Images B: all first views, then all second ones.
        generator: On the CPU.
    """
    low, high = TONES
    draw = partial(_drawn, generator=generator, groups=2)
    spread = MIXING * draw(torch.randn, batch, CHANNELS, PLANES)
    return Recipe(
        shares=(initial_mixing() + spread).softmax(2),
        tones=low + (high - low) * draw(torch.rand, batch, CHANNELS),
    )


def _uniform(image: Tensor, generator: torch.Generator, low: float, high: float) -> Tensor:
    draw = _drawn(torch.rand, image.shape[0], 1, 1, 1, generator=generator).to(image)
    return low + (high - low) * draw


def _drawn(
    draw: Callable[..., Tensor],
    rows: int,
    *shape: int,
    generator: torch.Generator,
    groups: int = 1,
) -> Tensor:
    """Draw for all processes' rows, and return this one's."""
    whole = draw((rows * processes.count(), *shape), generator=generator)
    return processes.own(whole, groups)
