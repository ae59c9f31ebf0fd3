import numpy as np
import pytest
import torch
from skimage.measure import shannon_entropy
from sklearn.metrics import mutual_info_score
from torch import Tensor

from ssvif.metrics.histograms import entropy, mutual_information


def levels(seed: int, *, step: int = 1) -> Tensor:
    """Whole grey levels as a plane; a larger step leaves fewer of them."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (1, 1, 40, 50), generator=generator) // step * step / 255.0


def as_file(plane: Tensor) -> np.ndarray:
    return (plane[0, 0] * 255.0).round().numpy().astype(np.uint8)


@pytest.mark.parametrize("step", [1, 8, 100])
def test_entropy__equals_skimage(step: int) -> None:
    plane = levels(0, step=step)
    assert entropy(fused=plane).item() == pytest.approx(shannon_entropy(as_file(plane)), abs=1e-5)


def test_entropy__constant_image_is_zero() -> None:
    assert entropy(fused=torch.full((2, 1, 8, 8), 0.3)).tolist() == [0.0, 0.0]


def test_entropy__all_levels_alike_is_eight_bits() -> None:
    plane = torch.arange(256).view(1, 1, 16, 16) / 255.0
    assert entropy(fused=plane).item() == 8.0


def test_mutual_information__equals_sklearn_in_bits() -> None:
    vis, ir = levels(1, step=16), levels(2, step=32)
    fused = (vis + ir) / 2
    files = [as_file(plane).ravel() for plane in (fused, vis, ir)]
    nats = mutual_info_score(files[0], files[1]) + mutual_info_score(files[0], files[2])
    score = mutual_information(fused=fused, vis=vis, ir=ir).item()
    assert score == pytest.approx(nats / np.log(2.0), rel=1e-5)


def test_mutual_information__identical_images_share_twice_the_entropy() -> None:
    plane = levels(3, step=8)
    score = mutual_information(fused=plane, vis=plane, ir=plane)
    torch.testing.assert_close(score, 2.0 * entropy(fused=plane))


def test_mutual_information__constant_image_shares_nothing() -> None:
    flat = torch.full((1, 1, 40, 50), 0.5)
    assert mutual_information(fused=flat, vis=levels(4), ir=levels(5)).item() == 0.0
