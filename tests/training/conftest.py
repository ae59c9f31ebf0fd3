import pytest
import torch

from ssvif.data.views import Overlap, Views


@pytest.fixture
def views():
    torch.manual_seed(0)
    scene = torch.nn.functional.interpolate(torch.rand(4, 4, 9, 9), size=(64, 64), mode="bicubic")
    scene = scene.clamp(0, 1)
    overlap = Overlap(size=64, rows=8, columns=4, flipped=False)
    return Views(vis=scene[:, :3], ir=scene[:, 3:], overlap=overlap, seed=5)
