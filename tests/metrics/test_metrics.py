"""What holds for every metric of the table."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ssvif.errors import ShapeError
from ssvif.metrics.metric import Convention, Metric
from ssvif.metrics.table import METRICS, STANDARD, score_all

each_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.acronym)
each_with_sources = pytest.mark.parametrize(
    "metric", [metric for metric in METRICS if metric.needs_sources], ids=lambda m: m.acronym
)
each_convention = pytest.mark.parametrize("convention", ["sound", "literature"])
# Scores may leave their range by rounding only.
ROUNDING = 1e-5
# The literature's convention has other ranges than the table.
SHIFTED = {"SSIM": (-2.0, 2.0), "PSNR": (-math.inf, math.inf)}
UNBOUNDED = {"FMI_pixel", "FMI_gradient"}
COUNTING = {"EN", "MI", "NMI"}
SHIFT_INVARIANT = {
    *("EN", "SD", "SF", "AG", "MI", "NMI", "SCD", "CC", "VIF", "MSE", "PSNR"),
    *("FMI_pixel", "FMI_gradient", "Nabf", "LabF", "Qcv"),
}
# All others count from the top left.
FLIP_INVARIANT = {metric.acronym for metric in METRICS} - {
    "VIF",  # every second place is kept, counted from the top left
    "MS-SSIM",
    "Qabf",  # a right angle stands for 0/0, and its turned sign does not
    "FMI_pixel",  # cumulated from the top left
    "FMI_gradient",
    "Qcv",  # regions from the top left
}

FLAT = {"black": 0.0, "grey": 0.5, "white": 1.0}
pictures = st.tuples(st.sampled_from([*FLAT, "ramp", "noise", "dot", "blocks"]), st.integers(0, 99))


def noise(seed: int, side: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, 1, side, side + 3, generator=generator)


def picture(kind: str, seed: int, side: int) -> Tensor:
    if kind in FLAT:
        return torch.full((1, 1, side, side + 3), FLAT[kind])
    if kind == "ramp":
        return torch.linspace(0.0, 1.0, side + 3).expand(1, 1, side, side + 3)
    if kind == "dot":
        dot = torch.zeros(1, 1, side, side + 3)
        dot[0, 0, seed % side, seed % side] = 1.0
        return dot
    if kind == "blocks":
        coarse = noise(seed, side // 8 + 1)
        return coarse.repeat_interleave(8, 2).repeat_interleave(8, 3)[..., :side, : side + 3]
    return noise(seed, side)


def side_of(metric: Metric) -> int:
    return max(24, metric.min_side)


def planes_of(metric: Metric, seed: int = 0, *, batch: int = 1) -> dict[str, Tensor]:
    """Textured scenes whose fused image is neither source."""
    vis, ir = (
        torch.cat([noise(seed + 10 * i + j, side_of(metric)) for i in range(batch)]) for j in (1, 2)
    )
    own = torch.cat([noise(seed + 10 * i + 3, side_of(metric)) for i in range(batch)])
    return {"fused": 0.6 * vis + 0.1 * ir + 0.3 * own, "vis": vis, "ir": ir**2}


@each_metric
@each_convention
@settings(max_examples=8, deadline=None, derandomize=True)
@given(fused=pictures, vis=pictures, ir=pictures)
def test_score__is_finite_and_in_range(
    metric: Metric,
    convention: Convention,
    fused: tuple[str, int],
    vis: tuple[str, int],
    ir: tuple[str, int],
) -> None:
    planes = {"fused": fused, "vis": vis, "ir": ir}
    scene = {name: picture(*about, side_of(metric)) for name, about in planes.items()}
    score = metric.score(**scene, convention=convention).item()
    assert math.isfinite(score)
    low, high = metric.low, metric.high
    if convention == "literature":
        low, high = SHIFTED.get(metric.acronym, (low, high))
        if metric.acronym in UNBOUNDED:
            return
    assert low - ROUNDING <= score <= high + ROUNDING


@each_metric
@settings(max_examples=8, deadline=None, derandomize=True)
@given(fused=pictures, vis=pictures, ir=pictures)
def test_score__swapped_sources_score_the_same(
    metric: Metric, fused: tuple[str, int], vis: tuple[str, int], ir: tuple[str, int]
) -> None:
    f, v, i = (picture(*about, side_of(metric)) for about in (fused, vis, ir))
    score, swapped = metric.score(fused=f, vis=v, ir=i), metric.score(fused=f, vis=i, ir=v)
    torch.testing.assert_close(swapped, score, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "metric",
    # Of the others, some count what is added, and LabF knows of losses only.
    [m for m in METRICS if m.needs_sources and m.acronym not in ("SCD", "VIF", "LabF")],
    ids=lambda m: m.acronym,
)
@settings(max_examples=6, deadline=None, derandomize=True)
@given(about=pictures)
def test_score__identical_images_score_best(metric: Metric, about: tuple[str, int]) -> None:
    image = picture(*about, side_of(metric))
    best = metric.score(fused=image, vis=image, ir=image).item()
    changed = (image * 0.6 + 0.4 * noise(5, side_of(metric))).clamp(0.0, 1.0)
    other = metric.score(fused=changed, vis=image, ir=image).item()
    gain = other - best if metric.higher_is_better else best - other
    assert gain <= ROUNDING


@each_with_sources
def test_score__direction_is_that_of_a_kept_image_over_noise(metric: Metric) -> None:
    image = picture("blocks", 3, side_of(metric))
    kept = metric.score(fused=image, vis=image, ir=image).item()
    lost = metric.score(fused=noise(9, side_of(metric)), vis=image, ir=image).item()
    if metric.acronym == "SCD":
        kept = metric.score(fused=image, vis=image, ir=torch.zeros_like(image)).item()
    assert kept > lost if metric.higher_is_better else kept < lost


@each_metric
def test_score__batch_equals_single(metric: Metric) -> None:
    planes = planes_of(metric, batch=3)
    singles = [metric.score(**{name: p[i : i + 1] for name, p in planes.items()}) for i in range(3)]
    torch.testing.assert_close(metric.score(**planes), torch.cat(singles), rtol=1e-5, atol=1e-6)
    everything = score_all(**planes, metrics=[metric])[metric.acronym]
    torch.testing.assert_close(everything, torch.cat(singles), rtol=1e-5, atol=1e-6)


@each_metric
@each_convention
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16], ids=str)
def test_score__is_float32_of_any_input(
    metric: Metric, convention: Convention, dtype: torch.dtype
) -> None:
    planes = {name: (p * 16).round() / 16 for name, p in planes_of(metric).items()}
    score = metric.score(**{n: p.to(dtype) for n, p in planes.items()}, convention=convention)
    assert score.dtype == torch.float32
    expected = metric.score(**planes, convention=convention)
    torch.testing.assert_close(score, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "metric", [m for m in METRICS if m.acronym not in COUNTING], ids=lambda m: m.acronym
)
def test_score__stays_on_the_device(metric: Metric) -> None:
    # `meta` computes nothing, but refuses a constant that was made on the processor.
    planes = {name: p.to("meta") for name, p in planes_of(metric).items()}
    assert metric.score(**planes).device.type == "meta"


@each_metric
def test_score__less_than_a_grey_level_changes_nothing(metric: Metric) -> None:
    planes = {n: p.mul(254.0).round() / 255.0 for n, p in planes_of(metric).items()}
    nudged = {name: p + 0.4 / 255.0 for name, p in planes.items()}
    torch.testing.assert_close(metric.score(**nudged), metric.score(**planes))


@each_metric
def test_score__brighter_images_score_the_same_where_only_contrast_counts(metric: Metric) -> None:
    planes = {n: p.mul(100.0).round() / 255.0 for n, p in planes_of(metric).items()}
    brighter = {name: p + 50.0 / 255.0 for name, p in planes.items()}
    score, shifted = metric.score(**planes), metric.score(**brighter)
    assert torch.allclose(shifted, score, rtol=1e-4) == (metric.acronym in SHIFT_INVARIANT)


@pytest.mark.parametrize(
    "metric", [m for m in METRICS if m.acronym in FLIP_INVARIANT], ids=lambda m: m.acronym
)
def test_score__mirrored_images_score_the_same(metric: Metric) -> None:
    planes = planes_of(metric)
    mirrored = metric.score(**{name: p.flip(3) for name, p in planes.items()})
    torch.testing.assert_close(mirrored, metric.score(**planes), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "metric", [m for m in METRICS if m.differentiable], ids=lambda m: m.acronym
)
def test_score__gradient_reaches_the_fused_image_where_the_table_says_so(metric: Metric) -> None:
    planes = planes_of(metric)
    planes["fused"].requires_grad_()
    score = metric.score(**planes)
    (gradient,) = torch.autograd.grad(score.sum(), planes["fused"])
    assert gradient.isfinite().all()
    step = gradient / gradient.abs().max() * (8.0 / 255.0)
    moved = {**planes, "fused": (planes["fused"] + step).clamp(0.0, 1.0).detach()}
    assert metric.score(**moved) > score.detach()


@pytest.mark.parametrize(
    "metric", [m for m in METRICS if m.differentiable], ids=lambda m: m.acronym
)
@pytest.mark.parametrize("kind", [*FLAT, "dot", "blocks"])
def test_score__gradient_is_finite_where_images_are_flat(metric: Metric, kind: str) -> None:
    image = picture(kind, 1, side_of(metric))
    for source in (image, noise(2, side_of(metric))):
        fused = image.clone().requires_grad_()
        score = metric.score(fused=fused, vis=source, ir=source)
        (gradient,) = torch.autograd.grad(score.sum(), fused)
        assert gradient.isfinite().all()


@each_metric
def test_score__bad_shape_is_refused(metric: Metric) -> None:
    side = metric.min_side
    for shape in [(side, side), (1, 3, side, side), (1, 1, side - 1, side)]:
        plane = torch.zeros(shape)
        with pytest.raises(ShapeError, match="expected"):
            metric.score(fused=plane, vis=plane, ir=plane)


@each_with_sources
def test_score__source_of_another_size_is_refused(metric: Metric) -> None:
    planes = planes_of(metric)
    planes["ir"] = planes["ir"][..., :-1]
    with pytest.raises(ShapeError, match="one shape"):
        metric.score(**planes)


def test_score_all__refuses_sizes_that_differ() -> None:
    plane = torch.zeros(2, 1, 50, 50)
    with pytest.raises(ShapeError, match="one shape"):
        score_all(fused=plane, vis=plane, ir=plane[:1])


def test_score_all__scores_the_standard_ten_unless_told() -> None:
    plane = noise(0, 41)
    scores = score_all(fused=plane, vis=plane, ir=plane)
    assert list(scores) == ["EN", "SD", "SF", "AG", "MI", "VIF", "Qabf", "SCD", "CC", "SSIM"]
    assert [metric.acronym for metric in STANDARD] == list(scores)


def test_score_all__hands_the_convention_on() -> None:
    planes = {"fused": noise(1, 41), "vis": noise(2, 41), "ir": noise(3, 41)}
    bits, nats = (score_all(**planes, convention=c)["MI"] for c in ("sound", "literature"))
    torch.testing.assert_close(nats, bits * math.log(2.0))


def test_metrics__acronyms_are_distinct() -> None:
    acronyms = [metric.acronym for metric in METRICS]
    assert len(set(acronyms)) == len(acronyms) == 23


def test_metrics__less_is_better_for_errors_and_losses() -> None:
    lower = {metric.acronym for metric in METRICS if not metric.higher_is_better}
    assert lower == {"MSE", "Nabf", "LabF", "Qcv"}
