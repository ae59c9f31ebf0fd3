from dataclasses import replace

import pytest
import torch

from ssvif.models.fusion import Fused
from ssvif.models.machine import Recipe, machine_view
from ssvif.ops import luminance, with_chroma
from ssvif.training import branch_objective
from ssvif.training.branch_objective import seen_images
from tests.training.objectives import joint_objective


def test_settle__the_heads_centre_images_as_they_are_used(tiny_model, views):
    """With the mean of what all batches have."""
    objective = joint_objective(tiny_model, trunk_learning_rate=0.0)
    darker = replace(views, vis=0.5 * views.vis, ir=0.5 * views.ir)
    teacher = objective.consistency.teacher
    for branch in (teacher.feature_branch, teacher.pixel_branch):
        branch.head.centre.running_mean.fill_(3.0)  # as if of other images
    objective.settle([views, darker])
    seen = []
    for branch in (teacher.feature_branch, teacher.pixel_branch):
        branch.head.centre.register_forward_hook(lambda _, __, output: seen.append(output))
        assert not branch.head.centre.training
        assert branch.head.centre.momentum == torch.nn.BatchNorm2d(1).momentum
    with torch.no_grad():
        objective._segment(views)
        objective._segment(darker)
    for branch in range(2):
        outputs = torch.cat(seen[branch::2])
        means = outputs.mean((0, 2, 3))
        torch.testing.assert_close(means, torch.zeros_like(means), atol=1e-3, rtol=0.0)
    of_one = seen[0].mean((0, 2, 3))
    assert of_one.abs().max() > 0.01


def test_measuring__leaves_the_teacher_as_it_is(tiny_model, views):
    objective = joint_objective(tiny_model)
    before = {k: v.clone() for k, v in objective.consistency.teacher.state_dict().items()}
    objective.validate(views)
    for name, value in objective.consistency.teacher.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("seed", [4, 5])
def test_seen_images__every_other_scene_is_a_machine_view(tiny_model, views, seed):
    fused = tiny_model.fusion(luminance(views.vis), views.ir)
    machine = machine_view(vis=views.vis, ir=views.ir, recipe=fused.recipe)
    colour = with_chroma(fused.fused_y, views.vis)
    seen = [machine, colour] if seed == 4 else [colour, machine]
    # Two views of two scenes: first views, then second ones.
    expected = torch.stack([seen[number % 2][number] for number in range(4)])
    assert torch.equal(seen_images(fused, replace(views, seed=seed)), expected)


def _read(objective, views, monkeypatch):
    """Return what a batch's students and its teacher read."""
    seen = {}

    def keep(_model, first, second, _overlap):
        seen.update(first=first, second=second)
        raise StopIteration

    monkeypatch.setattr(objective.consistency, "forward", keep)
    half = len(views.ir)
    recipe = Recipe(torch.full((half, 3, 4), 0.25), torch.zeros(half, 3))
    with pytest.raises(StopIteration):
        objective._consistency(Fused(0.5 * views.ir + 0.2, recipe), views)
    return seen["first"], seen["second"]


def test_consistency__the_image_goes_through_the_noisy_channel(tiny_model, views, monkeypatch):
    objective = joint_objective(tiny_model)
    monkeypatch.setattr(branch_objective, "jitter", lambda planes, _: planes)
    image = _read(objective, views, monkeypatch)[1].image
    clear = joint_objective(tiny_model, channel_noise=0.0)
    clean = _read(clear, views, monkeypatch)[1].image
    inside = (clean > 0.4) & (clean < 0.6)  # where nothing is clipped
    assert (image - clean)[inside].std() == pytest.approx(0.15, rel=0.05)


def test_consistency__students_read_changed_images_and_the_teacher_clean_ones(
    tiny_model, views, monkeypatch
):
    first, second = _read(joint_objective(tiny_model), views, monkeypatch)
    assert torch.equal(first.vis, views.vis[:2])
    assert torch.equal(first.ir, views.ir[:2])
    for found, source in ((second.vis, views.vis[2:]), (second.ir, views.ir[2:])):
        assert (found - source).abs().mean() > 0.005
        assert (found - source).abs().max() < 0.4
    assert not first.image.requires_grad


def test_consistency__a_camera_is_missing_as_often_as_is_said(tiny_model, views, monkeypatch):
    objective = joint_objective(tiny_model)
    kept = torch.cat(
        [_read(objective, replace(views, seed=seed), monkeypatch)[1].kept for seed in range(200)],
        dim=1,
    )
    assert kept.sum(0).min() == 1.0
    assert kept.mean(1).tolist() == pytest.approx([0.75, 0.75], abs=0.06)


@pytest.mark.parametrize("frozen", [False, True])
def test_free_norms__are_those_that_batches_move(tiny_model, frozen):
    if frozen:
        for branch in (tiny_model.feature_branch, tiny_model.pixel_branch):
            branch.trunk.freeze_norm()
    tiny_model.train()
    norms = {id(norm) for norm in tiny_model.free_norms()}
    heads = {id(tiny_model.feature_branch.head.centre), id(tiny_model.pixel_branch.head.centre)}
    batch_norms = (m for m in tiny_model.modules() if isinstance(m, torch.nn.BatchNorm2d))
    assert norms == {id(norm) for norm in batch_norms if norm.training}
    assert (norms == heads) is frozen


def test_branches__trunks_that_stand_still_keep_their_statistics(tiny_model, views):
    objective = joint_objective(tiny_model, trunk_learning_rate=0.0)
    before = {k: v.clone() for k, v in tiny_model.pixel_branch.trunk.state_dict().items()}
    objective.train().backward(views, 1)
    for name, value in tiny_model.pixel_branch.trunk.state_dict().items():
        assert torch.equal(value, before[name]), name
