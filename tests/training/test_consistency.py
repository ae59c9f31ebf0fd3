import pytest
import torch

from ssvif.data.views import Overlap
from ssvif.ops import luminance, with_chroma
from ssvif.params import ConsistencyParams
from ssvif.training.consistency import CrossSegmentationConsistency, FirstViews, SecondViews

OVERLAP = Overlap(size=64, rows=8, columns=-8, flipped=True)


@pytest.fixture
def task(tiny_model):
    return CrossSegmentationConsistency(tiny_model, ConsistencyParams(queue_batches=1))


def _inputs(model):
    torch.manual_seed(1)
    vis, ir = torch.rand(2, 3, 64, 64), torch.rand(2, 1, 64, 64)
    image = with_chroma(model.fusion(luminance(vis), ir).fused_y, vis)
    kept = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    return {
        "first": FirstViews(image=image.detach(), vis=vis, ir=ir),
        "second": SecondViews(image=image, vis=vis, ir=ir, kept=kept),
        "overlap": OVERLAP,
    }


def test_consistency__gradient_reaches_fusion_branches_and_prototypes(task, tiny_model):
    result = task(tiny_model, **_inputs(tiny_model))
    (result.cross + result.own).backward()
    for name in ("fusion.head", "feature_branch.trunk", "feature_branch.infrared", "pixel_branch"):
        parameters = tiny_model.get_submodule(name).parameters()
        assert sum(float(p.grad.abs().sum()) for p in parameters if p.grad is not None) > 0, name
    assert tiny_model.prototypes.grad.abs().sum() > 0


def test_consistency__the_image_moves_neither_prototypes_nor_the_feature_level(task, tiny_model):
    task(tiny_model, **_inputs(tiny_model)).cross.backward()
    assert tiny_model.prototypes.grad is None
    assert all(p.grad is None for p in tiny_model.feature_branch.parameters())
    assert any(p.grad is not None for p in tiny_model.fusion.parameters())


def test_consistency__no_gradient_into_the_teacher(task, tiny_model):
    result = task(tiny_model, **_inputs(tiny_model))
    (result.cross + result.own).backward()
    assert all(p.grad is None and not p.requires_grad for p in task.teacher.parameters())


def test_consistency__classes_are_those_of_the_shared_part(task, tiny_model):
    result = task(tiny_model, **_inputs(tiny_model))
    shared = 2 * (64 - 8) // 4 * (64 - 8) // 4
    assert result.feature_classes.shape == result.pixel_classes.shape == (shared,)


def test_consistency__the_teacher_is_of_the_level_that_is_named(tiny_model):
    inputs = _inputs(tiny_model)
    vis, ir = inputs["first"].vis, inputs["first"].ir
    for level, same in (
        ("feature", FirstViews(torch.rand_like(vis), vis, ir)),
        ("pixel", FirstViews(inputs["first"].image, 1 - vis, 1 - ir)),
    ):
        params = ConsistencyParams(queue_batches=0, teacher=level)
        task = CrossSegmentationConsistency(tiny_model, params)
        expected = task(tiny_model, **inputs).feature_classes
        found = task(tiny_model, **inputs | {"first": same}).feature_classes
        assert torch.equal(found, expected), level


def test_consistency__the_queue_fills_and_is_bounded(task, tiny_model):
    inputs = _inputs(tiny_model)
    assert task.queued == 0
    for _ in range(3):
        task(tiny_model, **inputs)
        assert task.queued == len(task.queue) > 0
    torch.testing.assert_close(task.queue.norm(dim=1), torch.ones(len(task.queue)))


def test_consistency__works_without_a_queue(tiny_model):
    task = CrossSegmentationConsistency(tiny_model, ConsistencyParams(queue_batches=0))
    assert torch.isfinite(task(tiny_model, **_inputs(tiny_model)).cross)


def test_consistency__finite_on_constant_images(task, tiny_model):
    vis, ir = torch.zeros(2, 3, 64, 64), torch.zeros(2, 1, 64, 64)
    second = SecondViews(image=vis, vis=vis, ir=ir, kept=torch.ones(2, 2))
    result = task(tiny_model, FirstViews(image=vis, vis=vis, ir=ir), second, OVERLAP)
    assert torch.isfinite(result.cross + result.own)


def test_follow__a_new_teacher_learns_fast_and_an_old_one_by_its_decay(task, tiny_model):
    def moved_by_one():
        before = task.teacher.prototypes[0, 0].item()
        with torch.no_grad():
            tiny_model.prototypes.copy_(task.teacher.prototypes + 1.0)
        task.follow(tiny_model)
        return task.teacher.prototypes[0, 0].item() - before

    task.follow(tiny_model)
    assert moved_by_one() == pytest.approx(1 - 2 / 11, rel=1e-3)
    task.average.n_averaged.fill_(5000)
    assert moved_by_one() == pytest.approx(0.01, rel=1e-2)


def test_follow__the_teacher_has_the_students_statistics_and_stays_in_evaluation(task, tiny_model):
    task.train()
    task(tiny_model.train(), **_inputs(tiny_model))
    task.follow(tiny_model)
    assert not any(module.training for module in task.teacher.modules())
    for (name, buffer), other in zip(
        tiny_model.named_buffers(), task.teacher.buffers(), strict=True
    ):
        assert torch.equal(buffer, other), name
