"""The fusion network as it fuses: folded, from bytes to bytes, in parts that tiles can share.

Three parts. `FeatureGraph` looks at both cameras and sums up what the whole image is like;
`FusedGraph` and `MachineGraph` make the two views from it. A large image goes through the first
part tile by tile, its sums are added up, and then every tile is made knowing the whole.

Source: what is computed is `ssvif.models.fusion.FusionNet` in evaluation mode, and tests hold the
two together.
Differs: the branches of each convolution are merged (RepVGG, arXiv:2101.03697); pixel unshuffle is
part of the first kernel, now 6x6 with stride 2; what the whole image adds to the coarse features is
added after they were brought to the fine ones, which is the same because both steps are linear.
"""

import copy
import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssvif.fuse.tiles import STATISTICS
from ssvif.models.fusion import ALIVE, DEAD, FINE_STRIDE, SELECTIVITY, STRIDE, FusionNet, RepConv
from ssvif.models.machine import CHANNELS, EPSILON, Recipe, machine_view
from ssvif.ops import LUMA

_WHITE = 255.0


class FeatureGraph(nn.Module):
    """See both cameras: features for the fused view, and sums for what the whole is like."""

    def __init__(self, fusion: FusionNet) -> None:
        super().__init__()
        self.stem = _unshuffling(_folded(fusion.stem))
        self.fine = nn.ModuleList(_folded(block) for block in fusion.fine)
        self.down = _folded(fusion.down)
        self.coarse = nn.ModuleList(_folded(block) for block in fusion.coarse)
        self.up = copy.deepcopy(fusion.up)

    def forward(self, vis: Tensor, ir: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Look at a pair, or at a tile of one.

        Args:
            vis: Visible RGB, (B, H, W, 3) uint8.
            ir: Infrared, (B, H, W) uint8.
            rows: How much each row counts in the sums, (H,) float: 1, or 0 where another tile has
                it, too.

        Returns:
            Features, (B, C, H', W') at half resolution; sums, (B, 4C + `STATISTICS`): over coarse
            features, over their squares, over both planes and their squares.
        """
        vis_y, ir_y = _luma(vis), _plane(ir)
        height, width = ir.shape[-2:]
        planes = torch.cat([vis_y, ir_y], dim=1)
        padding = (0, -width % STRIDE, 0, -height % STRIDE)
        planes = F.pad(planes, padding, mode="replicate").to(self.stem.weight.dtype)
        fine = F.relu(self.stem(planes))  # (B, 2, H', W') -> (B, C, H' / 2, W' / 2)
        for block in self.fine:
            fine = F.relu(block(fine))
        coarse = F.relu(self.down(fine))  # (B, 2C, H' / 4, W' / 4)
        for block in self.coarse:
            coarse = F.relu(block(coarse))
        context = F.interpolate(self.up(coarse), scale_factor=float(FINE_STRIDE), mode="nearest")
        seen = coarse.float()
        sums = [
            *(_sum(plane, rows[::STRIDE]) for plane in (seen, seen.square())),
            *(_sum(plane, rows) for plane in (vis_y, vis_y.square(), ir_y, ir_y.square())),
        ]
        return fine + context, torch.cat(sums, dim=1)


class FusedGraph(nn.Module):
    """Make the image for people: luminance fused, the colour the visible camera's."""

    def __init__(self, fusion: FusionNet) -> None:
        super().__init__()
        self.residual = fusion.residual
        self.whole = copy.deepcopy(fusion.whole)
        self.up = nn.Linear(fusion.up.in_channels, fusion.up.out_channels, bias=False)
        self.up.weight.data.copy_(fusion.up.weight.data[:, :, 0, 0])
        self.merge = _folded(fusion.merge)
        self.head = copy.deepcopy(fusion.head)

    def forward(self, vis: Tensor, ir: Tensor, features: Tensor, means: Tensor) -> Tensor:
        """Fuse a pair, or a tile of one.

        Args:
            vis: Visible RGB, (B, H, W, 3) uint8.
            ir: Infrared, (B, H, W) uint8.
            features: What `FeatureGraph` saw, (B, C, H', W').
            means: Its sums over the whole image, divided by their number of places.

        Returns:
            The fused image, (B, H, W, 3) uint8.
        """
        height, width = ir.shape[-2:]
        red, green, blue = _colours(vis)
        vis_y = _weighed(red, green, blue)
        ir_y = _plane(ir)
        shift = self.up(self.whole(_context(means)))[:, :, None, None]
        merged = F.relu(self.merge(features + shift.to(features.dtype)))
        head = F.pixel_shuffle(self.head(merged), FINE_STRIDE).float()  # (B, 2, H', W')
        logit, change = head[..., :height, :width].split(1, dim=1)
        difference = vis_y - ir_y
        weight = torch.sigmoid(SELECTIVITY * difference + logit)
        choice = weight * difference + self.residual * torch.tanh(change)  # fused - infrared
        # Where the visible camera is dead infrared is left, and the other way round.
        vis_trust, ir_trust = map(_trust, means[:, -STATISTICS:].chunk(2, dim=1))
        fused_y = vis_y + ir_trust * (vis_trust * choice - difference)
        lift = fused_y.clamp(0.0, 1.0) - vis_y
        # Equal steps in red, green and blue change the luminance and no chroma.
        return torch.stack([_as_bytes(colour + lift) for colour in (red, green, blue)], dim=-1)


class MachineGraph(nn.Module):
    """Make the image for a segmenter: three channels of free colour."""

    def __init__(self, fusion: FusionNet) -> None:
        super().__init__()
        self.whole = copy.deepcopy(fusion.whole)
        self.recipe = copy.deepcopy(fusion.recipe)

    def forward(self, vis: Tensor, ir: Tensor, means: Tensor) -> Tensor:
        """Make the machine view of a pair, or of a tile of one: (B, H, W, 3) uint8."""
        channels = self.whole.out_features
        shift = self.whole(_context(means))
        # Means and squares of the coarse features once the whole is added to them.
        mean, square = means[:, :channels], means[:, channels : 2 * channels]
        spread = (square + shift * (2.0 * mean + shift) + EPSILON).sqrt()
        recipe = self._recipe(torch.cat([mean + shift, spread], dim=1))
        planes = torch.cat(_colours(vis), dim=1)
        image = machine_view(vis=planes, ir=_plane(ir), recipe=recipe)
        return torch.stack([_as_bytes(image[:, c : c + 1]) for c in range(CHANNELS)], dim=-1)

    def _recipe(self, context: Tensor) -> Recipe:
        head = self.recipe
        tones = torch.tanh(head.strength(F.relu(head.context(context))))
        return Recipe(head.mixing.softmax(1).expand(context.shape[0], -1, -1), tones)


def halo_of(fusion: FusionNet) -> int:
    """Return how many pixels beyond its own rows a tile must see, a multiple of the stride."""
    # At half resolution: head, merge, rounding, coarse blocks (twice), down, fine blocks, stem.
    radius = 2 + 1 + 2 * len(fusion.coarse) + 1 + len(fusion.fine) + 1
    return STRIDE * math.ceil((FINE_STRIDE * radius + 1) / STRIDE)


def _folded(block: nn.Module) -> nn.Conv2d:
    convolution = cast("RepConv", block)  # a module list does not know what it holds
    square = convolution.square
    folded = nn.Conv2d(
        square.in_channels, square.out_channels, 3, stride=convolution.stride, padding=1
    )
    folded.load_state_dict({"weight": convolution.merged_weight(), "bias": square.bias})
    return folded


def _unshuffling(convolution: nn.Conv2d) -> nn.Conv2d:
    """Return the convolution of the image that equals one of its unshuffled pixels."""
    step = FINE_STRIDE
    out, channels = convolution.out_channels, convolution.in_channels // step**2
    kernel = convolution.weight.data.reshape(out, channels, step, step, 3, 3)
    # (O, I, dy, dx, ky, kx) -> (O, I, ky dy, kx dx)
    kernel = kernel.permute(0, 1, 4, 2, 5, 3).reshape(out, channels, 3 * step, 3 * step)
    direct = nn.Conv2d(channels, out, 3 * step, stride=step, padding=step)
    direct.load_state_dict({"weight": kernel, "bias": convolution.bias})
    return direct


def _colours(vis: Tensor) -> list[Tensor]:
    """Return red, green and blue, (B, 1, H, W) in [0, 1], of bytes (B, H, W, 3)."""
    # One by one: strided bytes are cheaper to gather than floats.
    return [_plane(vis[..., channel]) for channel in range(3)]


def _plane(image: Tensor) -> Tensor:
    """Return bytes (B, H, W) as (B, 1, H, W) in [0, 1]."""
    return image[:, None].float() * (1.0 / _WHITE)


def _weighed(red: Tensor, green: Tensor, blue: Tensor) -> Tensor:
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue


def _luma(vis: Tensor) -> Tensor:
    return _weighed(*_colours(vis))


def _as_bytes(plane: Tensor) -> Tensor:
    """Quantise (B, 1, H, W) in [0, 1] to bytes (B, H, W)."""
    return ((plane * _WHITE).clamp(0.0, _WHITE) + 0.5).to(torch.uint8)[:, 0]


def _sum(planes: Tensor, rows: Tensor) -> Tensor:
    """Return sums (B, C) over the rows (h,) that count, of planes (B, C, h, w)."""
    return planes.sum(3) @ rows


def _context(means: Tensor) -> Tensor:
    """Return `of_the_whole` from means of features and of their squares."""
    mean, square = means[:, :-STATISTICS].chunk(2, dim=1)
    return torch.cat([mean, (square + EPSILON).sqrt()], dim=1)


def _trust(means: Tensor) -> Tensor:
    """Return 0 for a dead camera, 1 for a living one, (B, 1, 1, 1); between is no sudden change."""
    mean, square = means[:, :1], means[:, 1:]
    spread = (square - mean.square()).clamp(min=0.0).sqrt()
    return ((spread - DEAD) / (ALIVE - DEAD)).clamp(0.0, 1.0)[:, :, None, None]
