import numpy as np
import pytest
import torch
from sewar import vifp
from torch import Tensor

from ssvif.errors import ShapeError
from ssvif.metrics.vif import visual_information_fidelity


def scene(seed: int, *, height: int = 64, width: int = 75) -> Tensor:
    """Blocks with a little noise: both flat places and edges."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 200, (height // 8 + 1, width // 8 + 1))
    levels = np.kron(blocks, np.ones((8, 8)))[:height, :width]
    levels[: height // 2] += rng.integers(0, 40, (height // 2, width))
    return torch.from_numpy(levels / 255.0).float()[None, None]


def as_file(plane: Tensor) -> np.ndarray:
    return (plane[0, 0] * 255.0).round().numpy().astype(np.uint8)


@pytest.mark.parametrize("fusing", ["mean", "max", "inverted"])
def test_visual_information_fidelity__equals_sewar(fusing: str) -> None:
    vis, ir = scene(1), scene(2)
    fused = {"mean": (vis + ir) / 2, "max": torch.maximum(vis, ir), "inverted": 1.0 - vis}[fusing]
    files = [as_file(plane) for plane in (fused, vis, ir)]
    expected = vifp(files[1], files[0]) + vifp(files[2], files[0])
    score = visual_information_fidelity(fused=fused, vis=vis, ir=ir).item()
    assert score == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "plane", [scene(3), torch.full((1, 1, 64, 64), 0.5)], ids=["scene", "flat"]
)
def test_visual_information_fidelity__identical_images_are_two(plane: Tensor) -> None:
    score = visual_information_fidelity(fused=plane, vis=plane, ir=plane).item()
    assert score == pytest.approx(2.0, abs=1e-5)


def test_visual_information_fidelity__constant_fused_image_is_zero() -> None:
    flat = torch.full((1, 1, 64, 75), 0.5)
    assert visual_information_fidelity(fused=flat, vis=scene(4), ir=scene(5)).item() == 0.0


def test_visual_information_fidelity__noise_lowers_it() -> None:
    vis = scene(6)
    noisy = vis + 0.1 * torch.rand(vis.shape, generator=torch.Generator().manual_seed(0))
    clean = visual_information_fidelity(fused=vis, vis=vis, ir=vis)
    assert visual_information_fidelity(fused=noisy, vis=vis, ir=vis) < 0.8 * clean


def test_visual_information_fidelity__smallest_image() -> None:
    plane = scene(7, height=41, width=41)
    assert visual_information_fidelity(fused=plane, vis=plane, ir=plane).item() == pytest.approx(
        2.0
    )
    smaller = plane[..., :40, :]
    with pytest.raises(ShapeError, match="at least 41"):
        visual_information_fidelity(fused=smaller, vis=smaller, ir=smaller)
