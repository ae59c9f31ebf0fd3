"""A small model whose outputs are known, and a scene."""

import pytest
import torch
from torch import Tensor, nn

from ssvif.evaluation.candidates import MAX, MEAN, ModelCandidate, Scene
from ssvif.models.fusion import Fused
from ssvif.models.machine import RecipeHead
from ssvif.ops import luminance

PROTOTYPES = 4


class StandIn(nn.Module):
    """Fuses to a share of vis; segments by brightness, and the second branch by vis alone."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.prototypes = nn.Parameter(torch.zeros(PROTOTYPES, 2))
        self.segmented: list[tuple[int, ...]] = []

    def fusion(self, vis_y: Tensor, ir: Tensor) -> Fused:
        fused_y = self.share * vis_y + (1.0 - self.share) * ir
        return Fused(fused_y, RecipeHead(1).eval()(ir))

    def feature_level(self, vis: Tensor, ir: Tensor) -> Tensor:
        fused_y = self.share * luminance(vis) + (1.0 - self.share) * ir
        return self._scores(fused_y[..., ::4, ::4])

    def pixel_level(self, image: Tensor) -> Tensor:
        self.segmented.append(tuple(image.shape))
        return self._scores(image.mean(1, keepdim=True)[..., ::4, ::4])

    def _scores(self, brightness: Tensor) -> Tensor:
        centres = torch.linspace(0.0, 1.0, PROTOTYPES).view(1, PROTOTYPES, 1, 1)
        return -(brightness - centres).abs()


@pytest.fixture
def models() -> dict[str, StandIn]:
    return {"stage_one": StandIn(0.75), "stage_two": StandIn(0.25)}


@pytest.fixture
def candidates(models):
    return (*(ModelCandidate(name, model) for name, model in models.items()), MEAN, MAX)


@pytest.fixture
def scene() -> Scene:
    generator = torch.Generator().manual_seed(0)
    vis = torch.rand(1, 3, 50, 70, generator=generator)
    ir = torch.linspace(0.0, 1.0, 70).expand(1, 1, 50, 70)
    return Scene("f00d", "roads", "001", vis=vis, ir=ir)
