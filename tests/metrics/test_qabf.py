import numpy as np
import pytest
import torch
from torch import Tensor

from ssvif.metrics.qabf import qabf

# The two sigmoids at angle 0 and ratio 1: as much as any image can reach.
MOST_ALIKE = 0.9879 / (1 + np.exp(-22 * 0.2))
MOST = 0.9994 / (1 + np.exp(-15 * 0.5)) * MOST_ALIKE


def scene(seed: int) -> np.ndarray:
    """Grey levels with flat blocks, edges and texture."""
    rng = np.random.default_rng(seed)
    levels = np.kron(rng.integers(0, 180, (6, 7)), np.ones((8, 8)))
    levels[:24] += rng.integers(0, 60, (24, 56))
    return levels


def plane(levels: np.ndarray) -> Tensor:
    return torch.from_numpy(levels / 255.0).float()[None, None]


@pytest.mark.parametrize("levels", [scene(3), np.zeros((20, 20)), np.full((20, 20), 99.0)])
def test_qabf__identical_images_reach_the_most(levels: np.ndarray) -> None:
    image = plane(levels)
    assert qabf(fused=image, vis=image, ir=image).item() == pytest.approx(MOST, abs=1e-4)


def test_qabf__edges_where_the_sources_have_none_keep_nothing() -> None:
    black = torch.zeros(1, 1, 48, 56)
    texture = plane(np.random.default_rng(0).integers(0, 255, (48, 56)).astype(float))
    assert qabf(fused=texture, vis=black, ir=black).item() < 0.01


def test_qabf__lost_edges_score_low() -> None:
    vis, ir = plane(scene(4)), plane(scene(5))
    black = torch.zeros_like(vis)
    assert qabf(fused=black, vis=vis, ir=ir).item() < 0.01


def test_qabf__flat_images_in_the_literature_keep_next_to_nothing() -> None:
    flat = torch.full((1, 1, 20, 20), 0.0)
    score = qabf(fused=flat, vis=flat, ir=flat, convention="literature").item()
    assert score == pytest.approx(0.9994 / (1 + np.exp(15 * 0.5)) * MOST_ALIKE, rel=1e-3)
