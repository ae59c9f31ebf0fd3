"""What holds for every metric of the table."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ssvif.errors import ShapeError
from ssvif.metrics.metric import Metric
from ssvif.metrics.table import METRICS, STANDARD, score_all

each_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.acronym)


def noise(seed: int, *, batch: int = 1, height: int = 161, width: int = 163) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, 1, height, width, generator=generator)


@pytest.fixture(scope="module")
def planes() -> dict[str, Tensor]:
    vis, ir = noise(1, batch=3), noise(2, batch=3) ** 2
    return {"fused": (vis + ir) / 2, "vis": vis, "ir": ir}


@each_metric
def test_score__batch_equals_single(metric: Metric, planes: dict[str, Tensor]) -> None:
    batch = metric.score(**planes)
    singles = [metric.score(**{name: p[i : i + 1] for name, p in planes.items()}) for i in range(3)]
    torch.testing.assert_close(batch, torch.cat(singles), rtol=1e-5, atol=1e-6)


@each_metric
def test_score__swapped_sources_score_the_same(metric: Metric, planes: dict[str, Tensor]) -> None:
    swapped = metric.score(fused=planes["fused"], vis=planes["ir"], ir=planes["vis"])
    torch.testing.assert_close(swapped, metric.score(**planes), rtol=1e-5, atol=1e-6)


@each_metric
def test_score__float64_scores_as_float32(metric: Metric, planes: dict[str, Tensor]) -> None:
    score = metric.score(**{name: plane.double() for name, plane in planes.items()})
    assert score.dtype == torch.float32
    torch.testing.assert_close(score, metric.score(**planes), rtol=1e-5, atol=1e-6)


@each_metric
def test_score__less_than_a_grey_level_changes_nothing(metric: Metric) -> None:
    vis, ir = (noise(seed).mul(255.0).round() / 255.0 for seed in (1, 2))
    fused = vis.flip(3)
    nudged = fused + 0.4 / 255.0
    torch.testing.assert_close(
        metric.score(fused=nudged, vis=vis, ir=ir), metric.score(fused=fused, vis=vis, ir=ir)
    )


@each_metric
@pytest.mark.parametrize(
    "shape", [(48, 56), (1, 3, 48, 56), (1, 1, 1, 56)], ids=["no batch", "three channels", "thin"]
)
def test_score__bad_shape_is_refused(metric: Metric, shape: tuple[int, ...]) -> None:
    plane = torch.zeros(shape)
    with pytest.raises(ShapeError, match="expected"):
        metric.score(fused=plane, vis=plane, ir=plane)


@pytest.mark.parametrize(
    "metric", [metric for metric in METRICS if metric.needs_sources], ids=lambda m: m.acronym
)
def test_score__source_of_another_size_is_refused(metric: Metric) -> None:
    with pytest.raises(ShapeError, match="one shape"):
        metric.score(fused=noise(1), vis=noise(1), ir=noise(2, width=164))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    kinds=st.tuples(*[st.sampled_from(["black", "grey", "white", "ramp", "noise", "dot"])] * 3),
    seed=st.integers(0, 99),
)
def test_score_all__is_finite_and_in_range(kinds: tuple[str, str, str], seed: int) -> None:
    fused, vis, ir = (picture(kind, seed + i) for i, kind in enumerate(kinds))
    scores = score_all(fused=fused, vis=vis, ir=ir)
    for metric in STANDARD:
        score = scores[metric.acronym].item()
        assert metric.low - 1e-5 <= score <= metric.high + 1e-5, (metric.acronym, score)
        assert score < float("inf")


def picture(kind: str, seed: int) -> Tensor:
    flat = {"black": 0.0, "grey": 0.5, "white": 1.0}
    if kind in flat:
        return torch.full((1, 1, 41, 44), flat[kind])
    if kind == "ramp":
        return torch.linspace(0.0, 1.0, 44).expand(1, 1, 41, 44)
    if kind == "dot":
        dot = torch.zeros(1, 1, 41, 44)
        dot[0, 0, seed % 41, seed % 44] = 1.0
        return dot
    return noise(seed, height=41, width=44)


def test_metrics__acronyms_are_as_papers_print_them() -> None:
    acronyms = [metric.acronym for metric in STANDARD]
    assert acronyms == ["EN", "SD", "SF", "AG", "MI", "VIF", "Qabf", "SCD", "CC", "SSIM"]
