import numpy as np
import pytest
import torch

from ssvif.metrics.contrast import average_gradient, spatial_frequency, standard_deviation


@pytest.fixture
def levels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (30, 40)).astype(float)


@pytest.fixture
def plane(levels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(levels / 255.0)[None, None]


def test_standard_deviation__equals_numpy(levels: np.ndarray, plane: torch.Tensor) -> None:
    assert standard_deviation(fused=plane).item() == pytest.approx(levels.std(), rel=1e-5)


def test_standard_deviation__half_black_half_white_is_the_most() -> None:
    plane = torch.tensor([0.0, 1.0]).expand(1, 1, 4, 2)
    assert standard_deviation(fused=plane).item() == 127.5


def test_spatial_frequency__equals_numpy(levels: np.ndarray, plane: torch.Tensor) -> None:
    rows, columns = np.diff(levels, axis=1), np.diff(levels, axis=0)
    expected = np.sqrt((rows**2).mean() + (columns**2).mean())
    assert spatial_frequency(fused=plane).item() == pytest.approx(expected, rel=1e-5)


def test_spatial_frequency__stripes_by_hand() -> None:
    # Every step along a row is 10 levels, and none along a column.
    plane = torch.tensor([0.0, 10.0, 0.0, 10.0]).expand(1, 1, 3, 4) / 255.0
    assert spatial_frequency(fused=plane).item() == pytest.approx(10.0)


def test_average_gradient__equals_numpy(levels: np.ndarray, plane: torch.Tensor) -> None:
    vertical, horizontal = np.gradient(levels)
    expected = np.sqrt((vertical**2 + horizontal**2) / 2).mean()
    assert average_gradient(fused=plane).item() == pytest.approx(expected, rel=1e-5)


def test_average_gradient__ramp_by_hand() -> None:
    plane = torch.arange(0.0, 50.0, 5.0).expand(1, 1, 6, 10) / 255.0
    assert average_gradient(fused=plane).item() == pytest.approx(5.0 / np.sqrt(2.0), rel=1e-5)


@pytest.mark.parametrize("metric", [standard_deviation, spatial_frequency, average_gradient])
def test_contrast__constant_image_has_none(metric) -> None:
    assert metric(fused=torch.full((1, 1, 9, 9), 0.7)).item() == 0.0
