"""The two segmentation branches and their shared prototypes.

Source: our own design around arXiv:2509.22450; prototypes as in SwAV (Caron et al. 2020,
arXiv:2006.09882), the pyramid as in FPN (Lin et al. 2017, arXiv:1612.03144).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssvif import processes
from ssvif.models.trunk import Trunk

EMBEDDING_STRIDE = 4


class Centre(nn.BatchNorm2d):
    """Batch normalisation without scale, by the statistics of all processes' batches.

    (`nn.SyncBatchNorm` is for GPUs alone.)

    Args:
        channels: Channels C of its input (B, C, H, W).
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__(channels, affine=False)

    def forward(self, planes: Tensor) -> Tensor:
        """Return planes of mean zero and variance one in each channel."""
        if not self.training or processes.count() == 1:
            return super().forward(planes)
        mean = processes.mean(planes.mean((0, 2, 3)))
        centred = planes - mean[:, None, None]
        variance = processes.mean(centred.square().mean((0, 2, 3)))
        positions = processes.count() * planes[:, 0].numel()
        self._remember(mean, variance * positions / (positions - 1))
        return centred / (variance + self.eps).sqrt()[:, None, None]

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        self.num_batches_tracked += 1
        usual = self.momentum
        momentum = 1.0 / float(self.num_batches_tracked) if usual is None else usual
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance, momentum)


class PyramidHead(nn.Module):
    """Merge a trunk's pyramid into one embedding of unit length at stride 4.

    Args:
        channels: Channels of the pyramid, finest first.
        embedding: Length D of the embedding.
    """

    def __init__(self, *, channels: tuple[int, ...], embedding: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(width, embedding, 1) for width in channels)
        self.smooth = nn.Conv2d(embedding, embedding, 3, padding=1)
        # Without centring, all embeddings begin in one narrow cone, where prototypes see no
        # difference between positions and assignments are noise.
        self.centre = Centre(embedding)

    def forward(self, pyramid: list[Tensor], added: list[Tensor] | None = None) -> Tensor:
        """Return (B, D, H / 4, W / 4) of unit length along D.

        Args:
            pyramid: Features, finest first.
            added: What is added to each level at width D, such as another camera's features.
        """
        levels = [lateral(level) for lateral, level in zip(self.lateral, pyramid, strict=True)]
        if added is not None:
            levels = [level + more for level, more in zip(levels, added, strict=True)]
        merged = levels[-1]
        for level in levels[-2::-1]:
            merged = level + F.interpolate(merged, size=level.shape[-2:], mode="nearest")
        return F.normalize(self.centre(self.smooth(F.relu(merged))), dim=1)


class PixelBranch(nn.Module):
    """From one image to embeddings at stride 4.

    Args:
        trunk: The backbone.
        head: The pyramid head.
    """

    def __init__(self, *, trunk: Trunk, head: PyramidHead) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head

    def forward(self, image: Tensor) -> Tensor:
        """Return embeddings (B, D, H / 4, W / 4) of unit length of RGB (B, 3, H, W) in [0, 1]."""
        embedding: Tensor = self.head(self.trunk(image))
        return embedding


class FeatureBranch(nn.Module):
    """From both cameras' features, fused level by level, to embeddings at stride 4.

    One trunk reads either camera; each has lateral convolutions of its own, whose sum is fused.

    Args:
        trunk: The backbone.
        head: The pyramid head, which takes the visible camera's features.
    """

    def __init__(self, *, trunk: Trunk, head: PyramidHead) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head
        width = head.smooth.in_channels
        self.infrared = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in trunk.channels)

    def forward(self, vis: Tensor, ir: Tensor, kept: Tensor | None = None) -> Tensor:
        """Return embeddings (B, D, H / 4, W / 4) of unit length.

        Args:
            vis: Visible RGB, (B, 3, H, W) in [0, 1].
            ir: Infrared, (B, 1, H, W) in [0, 1].
            kept: One where a camera's features are used, zero where they are dropped, (2, B);
                visible first.
        """
        batch = len(vis)
        pyramid = self.trunk(torch.cat([vis, ir.expand(-1, 3, -1, -1)]))  # (2 B, ., ., .)
        if kept is not None:
            shares = kept.flatten()[:, None, None, None]
            pyramid = [shares * level for level in pyramid]
        added = [
            lateral(level[batch:]) for lateral, level in zip(self.infrared, pyramid, strict=True)
        ]
        embedding: Tensor = self.head([level[:batch] for level in pyramid], added)
        return embedding
