import numpy as np
import pytest
import torch

from ssvif.metrics.correlation import correlation_coefficient, sum_of_correlations_of_differences


@pytest.fixture
def sources() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 128, (30, 40)), rng.integers(0, 128, (30, 40))


def plane(levels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(levels / 255.0).float()[None, None]


def test_correlation_coefficient__is_the_mean_of_numpy_over_the_sources(
    sources: tuple[np.ndarray, np.ndarray],
) -> None:
    fused = np.maximum(*sources)
    expected = np.mean([np.corrcoef(fused.ravel(), s.ravel())[0, 1] for s in sources])
    vis, ir = sources
    score = correlation_coefficient(fused=plane(fused), vis=plane(vis), ir=plane(ir))
    assert score.item() == pytest.approx(expected, abs=1e-5)


def test_correlation_coefficient__constant_image_is_zero() -> None:
    flat = torch.full((1, 1, 9, 9), 0.3)
    assert correlation_coefficient(fused=flat, vis=flat, ir=flat).item() == 0.0


def test_scd__equals_numpy(sources: tuple[np.ndarray, np.ndarray]) -> None:
    vis, ir = sources
    fused = np.maximum(vis, ir)
    expected = np.corrcoef((fused - vis).ravel(), ir.ravel())[0, 1]
    expected += np.corrcoef((fused - ir).ravel(), vis.ravel())[0, 1]
    score = sum_of_correlations_of_differences(fused=plane(fused), vis=plane(vis), ir=plane(ir))
    assert score.item() == pytest.approx(expected, abs=1e-5)


def test_scd__sum_of_the_sources_is_two(sources: tuple[np.ndarray, np.ndarray]) -> None:
    vis, ir = sources
    score = sum_of_correlations_of_differences(fused=plane(vis + ir), vis=plane(vis), ir=plane(ir))
    assert score.item() == pytest.approx(2.0, abs=1e-5)


def test_scd__fused_equal_to_a_source_counts_the_other_difference_only(
    sources: tuple[np.ndarray, np.ndarray],
) -> None:
    vis, ir = sources
    expected = np.corrcoef((vis - ir).ravel(), vis.ravel())[0, 1]
    score = sum_of_correlations_of_differences(fused=plane(vis), vis=plane(vis), ir=plane(ir))
    assert score.item() == pytest.approx(expected, abs=1e-5)


def test_scd__identical_images_are_zero(sources: tuple[np.ndarray, np.ndarray]) -> None:
    image = plane(sources[0])
    assert sum_of_correlations_of_differences(fused=image, vis=image, ir=image).item() == 0.0


def test_scd__constant_offset_is_zero(sources: tuple[np.ndarray, np.ndarray]) -> None:
    image, brighter = plane(sources[0]), plane(sources[0] + 100)
    score = sum_of_correlations_of_differences(fused=brighter, vis=image, ir=image)
    assert score.item() == 0.0
