"""The probe: a pretrained trunk or two, a light feature pyramid, a segmenter, box heads.

Sources: the pyramid as in FPN (Lin et al. 2017, arXiv:1612.03144), the boxes as centre points
(Zhou et al. 2019, CenterNet, arXiv:1904.07850).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssvif.models.trunk import Trunk, build_trunk
from ssvif.params import ProbesParams

STRIDE = 4  # of the pyramid, and of the grid of centre points
WIDTH = 64
TRUNK = ".trunk."  # in the names of what came pretrained
# Sigmoid of it is 0.1: the loss of so many empty places does not drown the few centres.
_HEAT_BIAS = -2.19


@dataclass(frozen=True)
class ProbeOutput:
    """What a probe says of a batch.

    Args:
        scores: (B, C, h, w), a class's logit at each pixel.
        heat: (B, C - 1, h / 4, w / 4), logits of a thing's centre; None without boxes.
        extent: (B, 4, h / 4, w / 4): distances from the place to the box's left, top, right and
            bottom, in places of that grid; None without boxes.
    """

    scores: Tensor
    heat: Tensor | None = None
    extent: Tensor | None = None


class BoxHead(nn.Module):
    """Heat of the centres of things, and how far their sides are.

    Args:
        things: How many classes, without the background.
    """

    def __init__(self, things: int) -> None:
        super().__init__()
        self.features = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.heat = nn.Conv2d(WIDTH, things, 1)
        self.extent = nn.Conv2d(WIDTH, 4, 1)
        nn.init.constant_(self.get_parameter("heat.bias"), _HEAT_BIAS)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return heat and extent as `ProbeOutput` has them."""
        hidden = F.relu(self.features(features))
        return self.heat(hidden).float(), self.extent(hidden).float()


class Eye(nn.Module):
    """A trunk, and its features brought to one width.

    Args:
        trunk: The backbone.
    """

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.trunk = trunk
        self.lateral = nn.ModuleList(nn.Conv2d(width, WIDTH, 1) for width in trunk.channels)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return features (B, 64, ., .) of an RGB image in [0, 1], finest first."""
        levels = self.trunk(image)
        return [lateral(level) for lateral, level in zip(self.lateral, levels, strict=True)]


class ProbeNet(nn.Module):
    """A small segmenter of one image, or of two that have a trunk each.

    Args:
        trunks: One for each image.
        classes: How many, with the background.
        with_boxes: Whether it finds boxes too.
    """

    def __init__(self, trunks: Sequence[Trunk], *, classes: int, with_boxes: bool) -> None:
        super().__init__()
        self.eyes = nn.ModuleList(Eye(trunk) for trunk in trunks)
        self.smooth = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.classify = nn.Conv2d(WIDTH, classes, 1)
        self.boxes = BoxHead(classes - 1) if with_boxes else None

    def forward(self, images: Sequence[Tensor]) -> ProbeOutput:
        """Segment a batch of RGB images (B, 3, h, w) in [0, 1], one for each trunk."""
        pyramids = [eye(image) for eye, image in zip(self.eyes, images, strict=True)]
        levels: list[Tensor] = [torch.stack(level).sum(0) for level in zip(*pyramids, strict=True)]
        merged = levels[-1]
        for level in levels[-2::-1]:
            merged = level + F.interpolate(merged, size=level.shape[-2:], mode="nearest")
        features = F.relu(self.smooth(F.relu(merged)))  # (B, 64, h / 4, w / 4)
        scores = self.classify(features).float()
        scores = F.interpolate(scores, size=images[0].shape[-2:], mode="bilinear")
        if self.boxes is None:
            return ProbeOutput(scores)
        return ProbeOutput(scores, *self.boxes(features))


def build_probe(
    params: ProbesParams, *, trunks: int, classes: int, with_boxes: bool, pretrained: bool = True
) -> ProbeNet:
    """Build a probe whose heads are drawn from torch's generator.

    Args:
        params: The backbone and its weights.
        trunks: How many images it sees at once.
        classes: How many classes, with the background.
        with_boxes: Whether it finds boxes too.
        pretrained: False where weights are loaded afterwards.

    Raises:
        ParamsError: If the backbone or its weights cannot be had.
    """
    weights = params.pretrained if pretrained else False
    # Statistics of its own for each kind of image: those of photographs suit some better.
    build = partial(build_trunk, params.backbone, frozen_norm=False, section="probes")
    parts = [build(pretrained=weights) for _ in range(trunks)]
    return ProbeNet(parts, classes=classes, with_boxes=with_boxes)
