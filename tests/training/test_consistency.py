import pytest
import torch
from torch import nn

from ssvif.data.views import Overlap
from ssvif.models.network import SsvifModel
from ssvif.ops import luminance, with_chroma
from ssvif.training.consistency import FirstViews, SecondViews
from tests.training.objectives import task_of

OVERLAP = Overlap(size=64, rows=8, columns=-8, flipped=True)


@pytest.fixture
def task(tiny_model):
    return task_of(tiny_model, queue_batches=1)


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
        task = task_of(tiny_model, teacher=level)
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
    task = task_of(tiny_model)
    assert torch.isfinite(task(tiny_model, **_inputs(tiny_model)).cross)


def test_consistency__finite_on_constant_images(task, tiny_model):
    vis, ir = torch.zeros(2, 3, 64, 64), torch.zeros(2, 1, 64, 64)
    second = SecondViews(image=vis, vis=vis, ir=ir, kept=torch.ones(2, 2))
    result = task(tiny_model, FirstViews(image=vis, vis=vis, ir=ir), second, OVERLAP)
    (result.cross + result.own).backward()
    assert torch.isfinite(result.cross + result.own)
    for name, parameter in tiny_model.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), name


def test_follow__a_new_teacher_learns_fast_and_an_old_one_by_its_decay(task, tiny_model):
    student, teacher = tiny_model.fusion.head.bias, task.teacher.fusion.head.bias

    def moved_by_one():
        before = teacher[0].item()
        with torch.no_grad():
            student.copy_(teacher + 1.0)
        task.follow(tiny_model)
        return teacher[0].item() - before

    task.follow(tiny_model)
    assert moved_by_one() == pytest.approx(1 - 2 / 11, rel=1e-3)
    task.average.n_averaged.fill_(5000)
    assert moved_by_one() == pytest.approx(0.01, rel=1e-2)


def test_follow__the_teacher_has_the_students_statistics_and_stays_in_evaluation(task, tiny_model):
    task.train()
    task(tiny_model.train(), **_inputs(tiny_model))
    task.follow(tiny_model)
    fusion = set(task.teacher.fusion.modules())  # where a flat window is no dead camera
    assert {module for module in task.teacher.modules() if module.training} == fusion
    for (name, buffer), other in zip(
        tiny_model.named_buffers(), task.teacher.buffers(), strict=True
    ):
        assert torch.equal(buffer, other), name


def test_follow__the_teachers_prototypes_stay_on_the_sphere(task, tiny_model):
    for _ in range(3):
        with torch.no_grad():
            tiny_model.prototypes.copy_(torch.randn_like(tiny_model.prototypes))
        tiny_model.normalize_prototypes()
        task.follow(tiny_model)
    torch.testing.assert_close(task.teacher.prototypes.norm(dim=1), torch.ones(4))


def test_targets__the_queue_holds_the_newest_batches_and_nothing_else(tiny_model):
    task = task_of(tiny_model, queue_batches=2)
    batch = len(task.queue) // 2
    newest = {}
    for number in (1.0, 2.0, 3.0):
        task._enqueue(torch.full((7, task.queue.shape[1]), number))
        filled = task.queue[: int(task.queued), 0]
        newest[number] = filled.unique(return_counts=True)
    assert [values.tolist() for values, _ in newest.values()] == [[1], [1, 2], [2, 3]]
    assert all((counts == batch).all() for _, counts in newest.values())
    assert (task.queue[:batch] == 3.0).all()


class _Reader(nn.Module):
    """A branch that embeds what red says: which place of the scene it shows."""

    def __init__(self, places):
        super().__init__()
        self.trunk = nn.Identity()
        self.trunk.frozen_norm = True
        self.places = places

    def forward(self, image, *_):
        place = (image[:, 0, ::4, ::4] * self.places).round().long()
        return nn.functional.one_hot(place, self.places + 1).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize("rows", [-8, 0, 12])
@pytest.mark.parametrize("columns", [-12, 0, 8])
@pytest.mark.parametrize("flipped", [False, True])
def test_consistency__compares_the_same_places_of_both_views(tiny_model, rows, columns, flipped):
    places, size = 15, 64
    model = SsvifModel(
        fusion=tiny_model.fusion,
        feature_branch=_Reader(places),
        pixel_branch=_Reader(places),
        prototypes=places + 1,
        embedding=places + 1,
    )
    with torch.no_grad():
        model.prototypes.copy_(torch.eye(places + 1))
    task = task_of(model, sinkhorn_iterations=0)
    torch.manual_seed(0)
    margin = 16
    cells = torch.randint(0, places + 1, (2, 1, (size + 2 * margin) // 4, (size + 2 * margin) // 4))
    scene = cells.repeat_interleave(4, 2).repeat_interleave(4, 3).expand(-1, 3, -1, -1) / places

    def view(down, right):
        top, left = margin + down, margin + right
        return scene[..., top : top + size, left : left + size]

    first, second = view(0, 0), view(rows, columns)
    second = second.flip(-1) if flipped else second
    result = task(
        model,
        FirstViews(image=first, vis=first, ir=first[:, :1]),
        SecondViews(image=second, vis=second, ir=second[:, :1], kept=torch.ones(2, 2)),
        Overlap(size=size, rows=rows, columns=columns, flipped=flipped),
    )
    assert torch.equal(result.feature_classes, result.pixel_classes)
    shared = 2 * (size - abs(rows)) // 4 * (size - abs(columns)) // 4
    assert result.feature_classes.shape == (shared,)
    assert len(result.feature_classes.unique()) == places + 1
    assert result.own == result.cross
