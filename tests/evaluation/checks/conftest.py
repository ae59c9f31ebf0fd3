"""A pair whose right side is brighter, with mild noise."""

import pytest
import torch
from torch import Tensor


@pytest.fixture
def planes() -> dict[str, Tensor]:
    """vis and ir (1, 1, 80, 100): a step of 102 grey levels each, noise of about 2."""
    generator = torch.Generator().manual_seed(0)
    step = torch.full((1, 1, 80, 100), 0.3)
    step[..., 50:] = 0.7
    noise = torch.randn(2, 1, 80, 100, generator=generator) * 2.0 / 255.0
    return {"vis": step + noise[:1], "ir": step + noise[1:]}
