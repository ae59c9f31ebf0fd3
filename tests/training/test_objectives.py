import copy

import pytest
import torch

from ssvif.data.views import Overlap, Views
from ssvif.ops import luminance
from ssvif.params import (
    ConsistencyParams,
    DynamicWeightParams,
    FusionLossParams,
    StageTwoParams,
    WarmUpParams,
)
from ssvif.training import health
from ssvif.training.consistency import CrossSegmentationConsistency
from ssvif.training.dynamic_weight import DynamicWeight
from ssvif.training.objectives import (
    FusionObjective,
    JointObjective,
    WarmUpObjective,
    weighted_fusion_loss,
)


@pytest.fixture
def views():
    torch.manual_seed(0)
    scene = torch.nn.functional.interpolate(torch.rand(4, 4, 9, 9), size=(64, 64), mode="bicubic")
    scene = scene.clamp(0, 1)
    overlap = Overlap(size=64, rows=8, columns=4, flipped=False)
    return Views(vis=scene[:, :3], ir=scene[:, 3:], overlap=overlap, seed=5)


def _joint(model, *, rho=1.0, ramp_share=0.0):
    weight = DynamicWeight(
        DynamicWeightParams(rho=rho, ramp_share=ramp_share), steps=10, prototypes=4
    )
    task = CrossSegmentationConsistency(model, ConsistencyParams(queue_batches=0))
    return JointObjective(model, task, weight, FusionLossParams(), StageTwoParams(), health_every=5)


def _gradients(module):
    return [p.grad.clone() for p in module.parameters() if p.grad is not None]


def test_fusion_objective__a_few_steps_on_one_batch_lower_its_loss(tiny_model, views):
    objective = FusionObjective(tiny_model.fusion, FusionLossParams(), learning_rate=2e-3)
    optimizer = torch.optim.AdamW(objective.parameter_groups())
    losses = []
    for step in range(25):
        losses.append(objective.backward(views, step)["loss"])
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < 0.97 * losses[0]


def test_warm_up_objective__fusion_gets_no_gradient_and_branches_do(tiny_model, views):
    task = CrossSegmentationConsistency(tiny_model, ConsistencyParams(queue_batches=0))
    objective = WarmUpObjective(
        tiny_model, task, WarmUpParams(), freeze_prototypes_steps=1, health_every=5
    )
    objective.backward(views, 0)
    assert not _gradients(tiny_model.fusion)
    assert _gradients(tiny_model.feature_branch)
    assert tiny_model.prototypes.grad is None
    objective.backward(views, 1)
    assert tiny_model.prototypes.grad is not None


def test_joint_objective__fusion_gets_the_weighted_sum_and_branches_the_whole(
    tiny_model, views, monkeypatch
):
    # Untrained branches agree by chance only, which is worth no trust.
    monkeypatch.setattr(health, "class_agreement", lambda *_: 0.9)
    tiny_model.eval()  # so that three passes see the same normalisation

    def gradients(**settings):
        tiny_model.zero_grad()
        figures = _joint(tiny_model, **settings).backward(views, 0)
        recipe = tiny_model.fusion.recipe
        joint = len(_gradients(tiny_model.fusion)) - len(_gradients(recipe))
        return figures, _gradients(tiny_model.fusion)[:joint], _gradients(tiny_model.pixel_branch)

    off, fusion_only, branches = gradients(rho=0.0)
    on, joint, branches_too = gradients(rho=1.0)
    assert off["dynamic_weight/weight"] == 0
    assert on["dynamic_weight/weight"] > 0
    for first, second in zip(branches, branches_too, strict=True):
        torch.testing.assert_close(first, second)
    pull = torch.cat([(b - a).flatten() for a, b in zip(fusion_only, joint, strict=True)])
    expected = on["dynamic_weight/weight"] * on["dynamic_weight/consistency_norm"]
    assert float(pull.norm()) == pytest.approx(expected, rel=1e-3)


def test_joint_objective__the_recipe_gets_consistency_alone(tiny_model, views, monkeypatch):
    monkeypatch.setattr(health, "class_agreement", lambda *_: 0.9)
    recipe = tiny_model.fusion.recipe
    vis_y = luminance(views.vis)
    fused_y = tiny_model.fusion(vis_y, views.ir).fused_y
    loss, _ = weighted_fusion_loss(fused_y, vis_y, views.ir, FusionLossParams())
    loss.backward()
    assert not _gradients(recipe)
    for rho, trusted in ((0.0, False), (1.0, True)):
        tiny_model.zero_grad()
        figures = _joint(tiny_model, rho=rho).backward(views, 0)
        assert recipe.strength.weight.grad.any()
        assert recipe.mixing.grad.any()
        assert bool(figures["dynamic_weight/trust"]) is trusted


@pytest.mark.parametrize("trusted", [0.0, 0.25, 0.5])
def test_joint_objective__the_recipe_goes_the_trusted_part_of_a_step(tiny_model, views, trusted):
    recipe = tiny_model.fusion.recipe.mixing

    def moved(trust):
        model = copy.deepcopy(tiny_model)
        objective = _joint(model)
        optimizer = torch.optim.AdamW(objective.parameter_groups(), weight_decay=0.0)
        objective.backward(views, 0)
        objective._trust = trust
        optimizer.step()
        objective.after_step()
        return (model.fusion.recipe.mixing - recipe).detach()

    whole = moved(1.0)
    assert whole.abs().max() > 0.01
    torch.testing.assert_close(moved(trusted), trusted * whole, atol=1e-6, rtol=1e-4)


def test_settle__the_heads_centre_images_as_they_are_used(tiny_model, views):
    objective = _joint(tiny_model)
    teacher = objective.consistency.teacher
    for branch in (teacher.feature_branch, teacher.pixel_branch):
        branch.head.centre.running_mean.fill_(3.0)  # as if of other images
    objective.settle([views, views])
    seen = []
    for branch in (teacher.feature_branch, teacher.pixel_branch):
        branch.head.centre.register_forward_hook(lambda _, __, output: seen.append(output))
        assert not branch.head.centre.training
        assert branch.head.centre.momentum == torch.nn.BatchNorm2d(1).momentum
    with torch.no_grad():
        objective._segment(views)
    for output in seen:
        means = output.mean((0, 2, 3))
        torch.testing.assert_close(means, torch.zeros_like(means), atol=1e-3, rtol=0.0)


def test_measuring__leaves_the_teacher_as_it_is(tiny_model, views):
    objective = _joint(tiny_model)
    before = {k: v.clone() for k, v in objective.consistency.teacher.state_dict().items()}
    objective.validate(views)
    for name, value in objective.consistency.teacher.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(value, before[name]), name


def test_joint_objective__lies_where_the_model_does(tiny_model):
    objective = _joint(tiny_model.to("meta"))
    assert {buffer.device.type for buffer in objective.buffers()} == {"meta"}


def test_joint_objective__tells_what_the_machine_view_holds(tiny_model, views):
    figures = _joint(tiny_model).backward(views, 0)
    for channel, colour in enumerate(("red", "green", "blue"), start=1):
        assert figures[f"machine/{channel}/infrared"] == pytest.approx(0.48)
        assert figures[f"machine/{channel}/{colour}"] == pytest.approx(0.48)


def test_joint_objective__its_state_holds_the_dynamic_weight(tiny_model, views):
    first, second = _joint(tiny_model), _joint(tiny_model)
    first.backward(views, 1)
    second.load_state_dict(first.state_dict())
    assert second.get_extra_state() == first.get_extra_state()
    assert first.get_extra_state()["updates"] == 1


def test_joint_objective__every_parameter_is_optimised_once(tiny_model):
    groups = _joint(tiny_model).parameter_groups()
    listed = [id(p) for group in groups for p in group["params"]]
    assert len(listed) == len(set(listed))
    assert set(listed) == {id(p) for p in tiny_model.parameters()}


def test_joint_objective__validates_the_averaged_model(tiny_model, views):
    objective = _joint(tiny_model)
    before = objective.validate(views)
    with torch.no_grad():
        tiny_model.fusion.head.bias.add_(3.0)
    assert objective.validate(views) == before


def test_joint_objective__warns_of_a_consistency_loss_near_zero(
    tiny_model, views, caplog, monkeypatch
):
    objective = _joint(tiny_model)
    monkeypatch.setattr(health, "MIN_LOSS", 100.0)
    objective.backward(views, 1)
    assert "consistency is" in caplog.text
    assert "shortcut" in caplog.text
