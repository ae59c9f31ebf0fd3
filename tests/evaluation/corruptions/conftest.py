"""A pair with edges, texture and grey values away from the bounds."""

import pytest
import torch
from torch import Tensor

HEIGHT, WIDTH = 60, 80


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    vis = torch.randint(76, 180, (1, 3, HEIGHT, WIDTH), generator=generator) / 255.0
    ir = torch.full((1, 1, HEIGHT, WIDTH), 0.2)
    ir[..., 20:40, 20:40] = 0.6
    return vis, ir
