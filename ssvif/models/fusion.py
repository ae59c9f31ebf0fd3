"""The fusion network: a per-pixel choice between two cameras, and a bounded residual.

Source: the network of arXiv:2509.22450 is not known to us; this one is our own.
The re-parameterisation follows RepVGG (Ding et al. 2021, arXiv:2101.03697).
Differs: without batch normalisation, so that the branches merge during training as well.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssvif.errors import ShapeError
from ssvif.models.machine import Recipe, RecipeHead, of_the_whole

# Before anything is learned, the brighter camera has 83 % where it is brighter by 0.1 (25 grey
# levels), and 56 % where by 0.015 (4 grey levels).
SELECTIVITY = 16.0

# Pixel unshuffle by two, and one level below it.
STRIDE = 4

FINE_STRIDE = 2

# Standard deviations in [0, 1]: a camera below the first is dead, one above the second is trusted.
DEAD, ALIVE = 0.005, 0.01


class Fused(NamedTuple):
    """What the fusion network returns."""

    fused_y: Tensor
    """Fused luminance, (B, 1, H, W) in [0, 1]."""
    recipe: Recipe
    """How the machine view is made; `models/machine.py`."""


class RepConv(nn.Module):
    """A 3x3 convolution learned as the sum of a 3x3, a 1x1 and an identity branch.

    Args:
        in_channels: Channels in.
        out_channels: Channels out; the identity branch needs as many as `in_channels`.
        stride: Spatial stride; the identity branch needs 1.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.square = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.point = nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)
        self.has_identity = stride == 1 and in_channels == out_channels

    def merged_weight(self) -> Tensor:
        """Return the one 3x3 kernel (O, I, 3, 3) that equals the three branches."""
        weight = self.square.weight + F.pad(self.point.weight, (1, 1, 1, 1))
        if self.has_identity:
            identity = torch.eye(weight.shape[0], device=weight.device, dtype=weight.dtype)
            weight = weight + F.pad(identity[:, :, None, None], (1, 1, 1, 1))
        return weight

    def forward(self, image: Tensor) -> Tensor:
        """Filter (B, I, H, W) to (B, O, H / stride, W / stride)."""
        return F.conv2d(
            image, self.merged_weight(), self.square.bias, stride=self.stride, padding=1
        )


def without_dead(*, fused_y: Tensor, vis_y: Tensor, ir: Tensor) -> Tensor:
    """Take the other camera's image where one is dead; the visible one's where both are.

    Args:
        fused_y: Fused luminance, (B, 1, H, W).
        vis_y: Visible luminance, the same shape, in [0, 1].
        ir: Infrared, the same shape, in [0, 1].
    """
    fused_y = torch.lerp(ir, fused_y, _trust(vis_y))
    return torch.lerp(vis_y, fused_y, _trust(ir))


def _trust(plane: Tensor) -> Tensor:
    """Return 0 for dead cameras, 1 for living ones, (B, 1, 1, 1); between is no sudden change."""
    spread = plane.std((1, 2, 3), correction=0, keepdim=True)
    return ((spread - DEAD) / (ALIVE - DEAD)).clamp(0.0, 1.0)


class FusionNet(nn.Module):
    """Fuse visible luminance and infrared: `fused_y = w * vis_y + (1 - w) * ir + r`.

    The weight w starts as a soft choice of the brighter camera and the residual r at zero, so
    an untrained network is close to the pixel maximum, the strongest plain baseline. What the whole
    image is like is known everywhere: how bright a place should be depends on it. In
    evaluation mode a camera whose image is constant is dead, and the result is the other one's; in
    training mode a window may be flat.

    Args:
        channels: Width at half resolution; twice that at a quarter.
        blocks: Convolutions at each of the two resolutions.
        residual: The most that r may add or take away, in grey values of [0, 1].
    """

    def __init__(self, *, channels: int, blocks: int, residual: float) -> None:
        super().__init__()
        self.residual = residual
        self.stem = RepConv(2 * FINE_STRIDE**2, channels)
        self.fine = nn.ModuleList(RepConv(channels, channels) for _ in range(blocks))
        self.down = RepConv(channels, 2 * channels, stride=2)
        self.coarse = nn.ModuleList(RepConv(2 * channels, 2 * channels) for _ in range(blocks))
        self.whole = nn.Linear(4 * channels, 2 * channels)
        self.up = nn.Conv2d(2 * channels, channels, 1)
        self.merge = RepConv(channels, channels)
        self.head = nn.Conv2d(channels, 2 * FINE_STRIDE**2, 3, padding=1)
        self.recipe = RecipeHead(2 * channels)
        for parameter in (*self.head.parameters(), *self.whole.parameters()):
            nn.init.zeros_(parameter)

    def forward(self, vis_y: Tensor, ir: Tensor) -> Fused:
        """Fuse two registered planes of any size.

        Args:
            vis_y: Visible luminance, (B, 1, H, W) in [0, 1].
            ir: Infrared, (B, 1, H, W) in [0, 1].

        Returns:
            The fused luminance, and the recipe of the machine view.

        Raises:
            ShapeError: If the planes are not (B, 1, H, W), both of one size.
        """
        if vis_y.dim() != 4 or vis_y.shape[1] != 1 or vis_y.shape != ir.shape:
            raise ShapeError(
                f"expected two planes (B, 1, H, W) of one size, found vis {tuple(vis_y.shape)} "
                f"and ir {tuple(ir.shape)}"
            )
        height, width = vis_y.shape[-2:]
        planes = torch.cat([vis_y, ir], dim=1)  # (B, 2, H, W)
        planes = F.pad(planes, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
        features, coarse = self._features(planes)
        head = F.pixel_shuffle(self.head(features), FINE_STRIDE)  # (B, 2, H', W')
        logit, change = head[..., :height, :width].split(1, dim=1)
        weight = torch.sigmoid(SELECTIVITY * (vis_y - ir) + logit)
        fused_y = ir + weight * (vis_y - ir) + self.residual * torch.tanh(change)
        if not self.training:
            fused_y = without_dead(fused_y=fused_y, vis_y=vis_y, ir=ir)
        return Fused(fused_y.clamp(0.0, 1.0), self.recipe(coarse))

    def _features(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        fine = F.relu(self.stem(F.pixel_unshuffle(planes, FINE_STRIDE)))  # (B, C, H/2, W/2)
        for block in self.fine:
            fine = F.relu(block(fine))
        coarse = F.relu(self.down(fine))  # (B, 2C, H/4, W/4)
        for block in self.coarse:
            coarse = F.relu(block(coarse))
        coarse = coarse + self.whole(of_the_whole(coarse))[:, :, None, None]
        context = F.interpolate(self.up(coarse), scale_factor=2.0, mode="nearest")
        return F.relu(self.merge(fine + context)), coarse
