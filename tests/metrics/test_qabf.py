import numpy as np
import pytest
import torch
from scipy.signal import convolve2d
from torch import Tensor

from ssvif.metrics.qabf import qabf

# Ceilings of the two sigmoids at ratio 1 and angle 0: as much as any image can reach.
MOST = 0.9994 / (1 + np.exp(-15 * 0.5)) * 0.9879 / (1 + np.exp(-22 * 0.2))


def published_qabf(fused: np.ndarray, vis: np.ndarray, ir: np.ndarray) -> float:
    """Qabf as the MATLAB evaluator of Xydeas and Petrovic's measure has it."""
    fused_strength, fused_angle = published_edges(fused)
    kept = weights = 0.0
    for source in (vis, ir):
        strength, angle = published_edges(source)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(
                strength > fused_strength,
                fused_strength / strength,
                np.where(strength == fused_strength, fused_strength, strength / fused_strength),
            )
        alike = 1 - np.abs(angle - fused_angle) / (np.pi / 2)
        by_strength = 0.9994 / (1 + np.exp(-15 * (ratio - 0.5)))
        by_angle = 0.9879 / (1 + np.exp(-22 * (alike - 0.8)))
        kept += (by_strength * by_angle * strength).sum()
        weights += strength.sum()
    return kept / weights


def published_edges(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    across = convolve2d(image, [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], mode="same")
    down = convolve2d(image, [[1, 2, 1], [0, 0, 0], [-1, -2, -1]], mode="same")
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = np.where(across == 0, np.pi / 2, np.arctan(down / across))
    return np.hypot(across, down), angle


def scene(seed: int) -> np.ndarray:
    """Grey levels with flat blocks, edges and texture."""
    rng = np.random.default_rng(seed)
    levels = np.kron(rng.integers(0, 180, (6, 7)), np.ones((8, 8)))
    levels[:24] += rng.integers(0, 60, (24, 56))
    return levels


def plane(levels: np.ndarray) -> Tensor:
    return torch.from_numpy(levels / 255.0).float()[None, None]


@pytest.mark.parametrize("fusing", ["mean", "max", "vis"])
def test_qabf__equals_the_published_evaluator(fusing: str) -> None:
    vis, ir = scene(1), scene(2)
    fused = {"mean": (vis + ir) // 2, "max": np.maximum(vis, ir), "vis": vis}[fusing]
    score = qabf(fused=plane(fused), vis=plane(vis), ir=plane(ir)).item()
    # The published ratio of equal strengths is the strength: 1e-3 too high at a ratio of 1.
    assert score == pytest.approx(published_qabf(fused, vis, ir), abs=1e-3)


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
