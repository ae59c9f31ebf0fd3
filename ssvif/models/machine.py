"""The machine view: three channels that mix infrared and the visible colours, for a segmenter.

A recipe says how: shares of the four planes for each channel, the same in all images, and light
curves whose strength depends on the image. Shares are positive and add up to one, and a curve keeps
the order of grey values, so that nothing is invented.

Source: the curves are those of Zero-DCE (Guo et al. 2020, CVPR, eq. 2).
Differs: one strength a channel and image, the same in each round; it and the shares are learnt from
cross-segmentation consistency instead of from exposure losses.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssvif.errors import ShapeError

CHANNELS = 3
PLANE_NAMES = ("infrared", "red", "green", "blue")
PLANES = len(PLANE_NAMES)
ROUNDS = 4  # at full strength the slope at black is 2 to the power of it

# Before anything is learned each channel is the mean of infrared and its colour, but for so much
# of the other two colours: a share of nothing would have no gradient.
_OTHERS = 0.02

EPSILON = 1.0e-6  # beside mean squares, whose roots have no slope at 0


class Recipe(NamedTuple):
    """How a machine view is made."""

    shares: Tensor
    """Of infrared, red, green and blue in each channel, (B, 3, 4), positive with sums of 1."""
    tones: Tensor
    """Strength of each channel's light curve, (B, 3) in [-1, 1]; 0 changes nothing."""


class RecipeHead(nn.Module):
    """Give the recipe of an image: shares that all images have, tones from the whole of this one.

    Args:
        channels: Channels of the features it reads.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mixing = nn.Parameter(initial_mixing())
        self.context = nn.Linear(2 * channels, channels)
        self.strength = nn.Linear(channels, CHANNELS)
        for parameter in self.strength.parameters():
            nn.init.zeros_(parameter)

    def forward(self, features: Tensor) -> Recipe:
        """Return the recipes of images by their features (B, C, h, w)."""
        tones = torch.tanh(self.strength(F.relu(self.context(of_the_whole(features)))))
        return Recipe(self.mixing.softmax(1).expand(features.shape[0], -1, -1), tones)


def of_the_whole(features: Tensor) -> Tensor:
    """Return means and root mean squares over the image, (B, 2C), of features (B, C, H, W)."""
    # Not standard deviations, which have no slope where an image is flat.
    spread = (features.square().mean((2, 3)) + EPSILON).sqrt()
    return torch.cat([features.mean((2, 3)), spread], dim=1)


def initial_mixing() -> Tensor:
    """Return the logits (3, 4) of the shares before anything is learned."""
    shares = torch.full((CHANNELS, PLANES), _OTHERS)
    half = 0.5 - _OTHERS
    shares[:, 0] = half
    shares[range(CHANNELS), range(1, PLANES)] = half
    return shares.log()


def light_curve(image: Tensor, strength: Tensor) -> Tensor:
    """Brighten (or darken) an image by `x + a x (1 - x)`, `ROUNDS` times over.

    Args:
        image: (B, C, H, W) in [0, 1].
        strength: a, of a shape that broadcasts to it, in [-1, 1]; 0 changes nothing.

    Returns:
        The same shape, in [0, 1]; grey values at one strength keep their order.
    """
    for _ in range(ROUNDS):
        image = image + strength * image * (1.0 - image)
    return image


def machine_view(*, vis: Tensor, ir: Tensor, recipe: Recipe) -> Tensor:
    """Return the image for a segmenter, (B, 3, H, W) in [0, 1].

    Args:
        vis: Visible RGB, (B, 3, H, W) in [0, 1].
        ir: Infrared, (B, 1, H, W) in [0, 1].
        recipe: What the fusion network chose.

    Raises:
        ShapeError: If the recipe is not of as many images.
    """
    planes = torch.cat([ir, vis], dim=1)
    batch = ir.shape[0]  # not len(ir), which torch.export takes for a constant
    expected = ((batch, CHANNELS, PLANES), (batch, CHANNELS))
    found = (tuple(recipe.shares.shape), tuple(recipe.tones.shape))
    if found != expected:
        raise ShapeError(f"expected a recipe of shapes {expected}, found {found}")
    mixed = torch.einsum("bop,bphw->bohw", recipe.shares, planes)
    return light_curve(mixed, recipe.tones[:, :, None, None])
