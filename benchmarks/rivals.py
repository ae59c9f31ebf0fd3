"""The layers of published fusion networks, with random weights: for their speed alone.

Their authors' own code is not used; numbers of parameters say that the layers are the same (of
SeAFusion, without the normalisations that it declares and does not use). How good their images are
says `python -m benchmarks.peers`, from images that their own code and weights made.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _conv(channels_in: int, channels_out: int, size: int = 3) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, size, padding=size // 2)


class _GradientDense(nn.Module):
    """Gradient residual dense block of SeAFusion."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.first = _conv(channels_in, channels_in)
        self.second = _conv(2 * channels_in, channels_in)
        self.narrow = _conv(3 * channels_in, channels_out, 1)
        self.sobel = nn.ModuleList(
            nn.Conv2d(channels_in, channels_in, 3, padding=1, groups=channels_in, bias=False)
            for _ in range(2)
        )
        self.widen = _conv(channels_in, channels_out, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Filter (B, I, H, W) to (B, O, H, W)."""
        dense = torch.cat([features, F.leaky_relu(self.first(features), 0.2)], dim=1)
        dense = torch.cat([dense, F.leaky_relu(self.second(dense), 0.2)], dim=1)
        edges = sum(sobel(features).abs() for sobel in self.sobel)
        return F.leaky_relu(self.narrow(dense) + self.widen(edges), 0.1)


class SeAFusion(nn.Module):
    """Tang et al. 2022, Information Fusion 82: two encoders of three levels, four decoders."""

    def __init__(self) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(
            nn.Sequential(
                _conv(1, 16), nn.LeakyReLU(0.2), _GradientDense(16, 32), _GradientDense(32, 48)
            )
            for _ in range(2)
        )
        self.decoders = nn.ModuleList([_conv(96, 64), _conv(64, 32), _conv(32, 16), _conv(16, 1)])

    def forward(self, vis_y: Tensor, ir: Tensor) -> Tensor:
        """Fuse planes (B, 1, H, W)."""
        planes = zip(self.encoders, (vis_y, ir), strict=True)
        features = torch.cat([encoder(plane) for encoder, plane in planes], dim=1)
        *inner, last = self.decoders
        for decoder in inner:
            features = F.leaky_relu(decoder(features), 0.2)
        return torch.tanh(last(features)) / 2.0 + 0.5


class DenseFuse(nn.Module):
    """Li and Wu 2019, TIP 28(5), fused by addition: one dense encoder for both, four decoders."""

    def __init__(self) -> None:
        super().__init__()
        self.first = _conv(1, 16)
        self.dense = nn.ModuleList(_conv(16 * number, 16) for number in (1, 2, 3))
        self.decoders = nn.ModuleList([_conv(64, 64), _conv(64, 32), _conv(32, 16), _conv(16, 1)])

    def forward(self, vis_y: Tensor, ir: Tensor) -> Tensor:
        """Fuse planes (B, 1, H, W)."""
        features = self._encode(vis_y) + self._encode(ir)
        *inner, last = self.decoders
        for decoder in inner:
            features = F.relu(decoder(features))
        return last(features)

    def _encode(self, plane: Tensor) -> Tensor:
        features = F.relu(self.first(plane))
        for layer in self.dense:
            features = torch.cat([features, F.relu(layer(features))], dim=1)
        return features


class _Attentive(nn.Module):
    """Residual attention of DATFuse: a convolution twice, weighed by channel and by place."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = channels // 4
        self.conv = nn.Conv2d(channels, channels, 3)
        self.norm = nn.BatchNorm2d(channels)
        self.channel = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            _conv(channels, narrow, 1),
            nn.ReLU(),
            _conv(narrow, channels, 1),
            nn.Sigmoid(),
        )
        self.place = nn.Sequential(
            _conv(channels, narrow),
            nn.BatchNorm2d(narrow),
            nn.ReLU(),
            _conv(narrow, 1),
            nn.BatchNorm2d(1),
            nn.Sigmoid(),
        )

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Filter (B, C, H, W); return the sum of what was weighed, and what was filtered."""
        filtered = self._filter(F.relu(self._filter(features)))
        return filtered * self.channel(filtered) + filtered * self.place(filtered), filtered

    def _filter(self, features: Tensor) -> Tensor:
        filtered: Tensor = self.norm(self.conv(F.pad(features, (1, 1, 1, 1), "replicate")))
        return filtered


class _OnePixelTransformer(nn.Module):
    """Transformer block of DATFuse, whose windows are of one pixel: attention passes it on."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(channels), nn.LayerNorm(channels)])
        self.value = nn.Linear(channels, channels)
        self.project = nn.Linear(channels, channels)
        self.mixing = nn.Sequential(
            nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels)
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """Change pixels (B, H, W, C)."""
        before, after = self.norms
        pixels = pixels + self.project(self.value(before(pixels)))
        mixed: Tensor = pixels + self.mixing(after(pixels))
        return mixed


class DATFuse(nn.Module):
    """Tang et al. 2023, TCSVT 33(7): attentive filters around two transformer blocks.

    Queries and keys, which decide nothing within one pixel, are left out: it is faster so.
    """

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(2, channels, 5, padding=2, padding_mode="replicate"),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        )
        self.attentive = _Attentive(channels)
        self.transformer = nn.Sequential(*(_OnePixelTransformer(channels) for _ in range(2)))
        self.last = _conv(channels, 1, 1)

    def forward(self, vis_y: Tensor, ir: Tensor) -> Tensor:
        """Fuse planes (B, 1, H, W)."""
        features = self.first(torch.cat([vis_y, ir], dim=1))
        weighed, _ = self.attentive(features)
        pixels = F.relu(weighed + features).permute(0, 2, 3, 1)
        features = self.transformer(pixels).permute(0, 3, 1, 2)
        weighed, filtered = self.attentive(features)
        return torch.tanh(self.last(weighed + filtered))
