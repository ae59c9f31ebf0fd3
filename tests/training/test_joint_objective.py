import copy

import pytest
import torch

from ssvif.ops import luminance
from ssvif.params import FusionLossParams
from ssvif.training import health
from ssvif.training.build import build_criterion
from tests.training.objectives import gradients_of, joint_objective


def test_joint_objective__fusion_gets_the_weighted_sum_and_branches_the_whole(
    tiny_model, views, monkeypatch
):
    # Untrained branches agree by chance only, which is worth no trust.
    monkeypatch.setattr(health, "class_agreement", lambda *_: 0.9)
    tiny_model.eval()  # so that three passes see the same normalisation

    def gradients(**settings):
        tiny_model.zero_grad()
        figures = joint_objective(tiny_model, **settings).backward(views, 0)
        recipe = tiny_model.fusion.recipe
        joint = len(gradients_of(tiny_model.fusion)) - len(gradients_of(recipe))
        return (
            figures,
            gradients_of(tiny_model.fusion)[:joint],
            gradients_of(tiny_model.pixel_branch),
        )

    off, fusion_only, branches = gradients(rho=0.0)
    on, joint, branches_too = gradients(rho=1.0)
    assert off["dynamic_weight/weight"] == 0
    assert on["dynamic_weight/weight"] > 0
    for first, second in zip(branches, branches_too, strict=True):
        torch.testing.assert_close(first, second)
    pull = torch.cat([(b - a).flatten() for a, b in zip(fusion_only, joint, strict=True)])
    expected = on["dynamic_weight/weight"] * on["dynamic_weight/consistency_norm"]
    assert float(pull.norm()) == pytest.approx(expected, rel=1e-3)


def test_joint_objective__trunks_stand_still_at_a_rate_of_zero(tiny_model, views):
    gradients = {}
    for rate in (1e-5, 0.0):
        tiny_model.zero_grad()
        joint_objective(tiny_model, trunk_learning_rate=rate).backward(views, 0)
        gradients[rate] = [
            gradients_of(part)
            for branch in (tiny_model.feature_branch, tiny_model.pixel_branch)
            for part in (branch.trunk, branch.head)
        ]
    assert all(gradients[1e-5])
    assert [bool(found) for found in gradients[0.0]] == [False, True, False, True]


def test_joint_objective__the_recipe_gets_consistency_alone(tiny_model, views, monkeypatch):
    monkeypatch.setattr(health, "class_agreement", lambda *_: 0.9)
    recipe = tiny_model.fusion.recipe
    vis_y = luminance(views.vis)
    fused_y = tiny_model.fusion(vis_y, views.ir).fused_y
    criterion = build_criterion(FusionLossParams())
    loss, _ = criterion(fused_y=fused_y, vis_y=vis_y, ir=views.ir)
    loss.backward()
    assert not gradients_of(recipe)
    for rho, trusted in ((0.0, False), (1.0, True)):
        tiny_model.zero_grad()
        figures = joint_objective(tiny_model, rho=rho).backward(views, 0)
        assert recipe.strength.weight.grad.any()
        assert recipe.mixing.grad.any()
        assert bool(figures["dynamic_weight/trust"]) is trusted


@pytest.mark.parametrize("trusted", [0.0, 0.25, 0.5])
def test_joint_objective__the_recipe_goes_the_trusted_part_of_a_step(tiny_model, views, trusted):
    recipe = tiny_model.fusion.recipe.mixing

    def moved(trust):
        model = copy.deepcopy(tiny_model)
        objective = joint_objective(model)
        optimizer = torch.optim.AdamW(objective.parameter_groups(), weight_decay=0.0)
        objective.backward(views, 0)
        objective._trust = trust
        optimizer.step()
        objective.after_step()
        return (model.fusion.recipe.mixing - recipe).detach()

    whole = moved(1.0)
    assert whole.abs().max() > 0.01
    torch.testing.assert_close(moved(trusted), trusted * whole, atol=1e-6, rtol=1e-4)


def test_joint_objective__lies_where_the_model_does(tiny_model):
    objective = joint_objective(tiny_model.to("meta"))
    assert {buffer.device.type for buffer in objective.buffers()} == {"meta"}


def test_joint_objective__tells_what_the_machine_view_holds(tiny_model, views):
    figures = joint_objective(tiny_model).backward(views, 0)
    for channel, colour in enumerate(("red", "green", "blue"), start=1):
        assert figures[f"machine/{channel}/infrared"] == pytest.approx(0.48)
        assert figures[f"machine/{channel}/{colour}"] == pytest.approx(0.48)


def test_joint_objective__its_state_holds_the_dynamic_weight(tiny_model, views):
    first, second = joint_objective(tiny_model), joint_objective(tiny_model)
    first.backward(views, 1)
    second.load_state_dict(first.state_dict())
    assert second.get_extra_state() == first.get_extra_state()
    assert first.get_extra_state()["updates"] == 1


def test_joint_objective__every_parameter_is_optimised_once(tiny_model):
    groups = joint_objective(tiny_model).parameter_groups()
    listed = [id(p) for group in groups for p in group["params"]]
    assert len(listed) == len(set(listed))
    assert set(listed) == {id(p) for p in tiny_model.parameters()}


def test_joint_objective__validates_the_averaged_model(tiny_model, views):
    objective = joint_objective(tiny_model)
    before = objective.validate(views)
    with torch.no_grad():
        tiny_model.fusion.head.bias.add_(3.0)
    assert objective.validate(views) == before


def test_joint_objective__warns_of_a_consistency_loss_near_zero(
    tiny_model, views, caplog, monkeypatch
):
    objective = joint_objective(tiny_model)
    monkeypatch.setattr(health, "MIN_LOSS", 100.0)
    for step in (1, 2):
        objective.backward(views, step)
    assert "consistency is" in caplog.text
    assert "shortcut" in caplog.text
