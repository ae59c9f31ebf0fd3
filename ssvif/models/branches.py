"""The two segmentation branches and their shared prototypes.

Source: our own design around arXiv:2509.22450; prototypes as in SwAV (Caron et al. 2020,
arXiv:2006.09882), the pyramid as in FPN (Lin et al. 2017, arXiv:1612.03144).
"""

import torch.nn.functional as F
from torch import Tensor, nn

from ssvif.models.trunk import Trunk

EMBEDDING_STRIDE = 4


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
        self.centre = nn.BatchNorm2d(embedding, affine=False)

    def forward(self, pyramid: list[Tensor]) -> Tensor:
        """Return (B, D, H / 4, W / 4) of unit length along D."""
        merged = self.lateral[-1](pyramid[-1])
        for lateral, level in zip(self.lateral[-2::-1], pyramid[-2::-1], strict=True):
            merged = lateral(level) + F.interpolate(merged, size=level.shape[-2:], mode="nearest")
        return F.normalize(self.centre(self.smooth(F.relu(merged))), dim=1)


class FeatureAdapter(nn.Module):
    """Turn fused features at half resolution into the three planes a trunk reads.

    Args:
        channels: Channels C of the fused features.
        stride: Their stride.
    """

    def __init__(self, *, channels: int, stride: int) -> None:
        super().__init__()
        self.point = nn.Conv2d(channels, 3 * stride**2, 1)
        self.shuffle = nn.PixelShuffle(stride)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, features: Tensor) -> Tensor:
        """Return (B, 3, H, W), spread as images in [0, 1] are."""
        planes: Tensor = self.norm(self.shuffle(self.point(features)))
        return 0.5 + 0.25 * planes


class SegmentationBranch(nn.Module):
    """An adapter, a trunk and a head: from an input to embeddings at stride 4.

    Args:
        adapter: Turns the input into three planes in [0, 1].
        trunk: The backbone.
        head: The pyramid head.
    """

    def __init__(self, *, adapter: nn.Module, trunk: Trunk, head: PyramidHead) -> None:
        super().__init__()
        self.adapter = adapter
        self.trunk = trunk
        self.head = head

    def forward(self, image: Tensor) -> Tensor:
        """Return embeddings (B, D, H / 4, W / 4) of unit length along D."""
        embedding: Tensor = self.head(self.trunk(self.adapter(image)))
        return embedding
