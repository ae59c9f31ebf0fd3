import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity as skimage_ssim

from ssvif.errors import ShapeError
from ssvif.metrics.similarity import structural_similarity


def levels(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = np.kron(rng.integers(0, 200, (6, 7)), np.ones((8, 8)))
    return (coarse + rng.integers(0, 40, coarse.shape)).astype(np.uint8)


def plane(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image / 255.0).float()[None, None]


def test_structural_similarity__is_the_mean_of_skimage_over_the_sources() -> None:
    vis, ir = levels(1), levels(2)
    fused = np.maximum(vis, ir)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    expected = np.mean([skimage_ssim(fused, s, data_range=255, **options) for s in (vis, ir)])
    score = structural_similarity(fused=plane(fused), vis=plane(vis), ir=plane(ir)).item()
    assert score == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("image", [levels(3), np.zeros((20, 20))], ids=["texture", "black"])
def test_structural_similarity__identical_images_are_one(image: np.ndarray) -> None:
    same = plane(image)
    score = structural_similarity(fused=same, vis=same, ir=same).item()
    assert score == pytest.approx(1.0, abs=1e-5)


def test_structural_similarity__inverted_texture_is_negative() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40))
    vis, inverted = plane(noise), plane(255 - noise)
    assert structural_similarity(fused=inverted, vis=vis, ir=vis).item() < -0.5


def test_structural_similarity__smaller_than_the_window_is_refused() -> None:
    small = torch.zeros(1, 1, 10, 40)
    with pytest.raises(ShapeError, match="at least 11"):
        structural_similarity(fused=small, vis=small, ir=small)
