from ssvif.params import parse_params
from ssvif.training.build import build_warm_up_objective
from tests.training.objectives import gradients_of

PARAMS = parse_params({"consistency": {"queue_batches": 0, "freeze_prototypes_steps": 1}})


def test_warm_up_objective__fusion_gets_no_gradient_and_branches_do(tiny_model, views):
    objective = build_warm_up_objective(tiny_model, PARAMS)
    objective.backward(views, 0)
    assert not gradients_of(tiny_model.fusion)
    assert gradients_of(tiny_model.feature_branch)
    assert tiny_model.prototypes.grad is None
    objective.backward(views, 1)
    assert tiny_model.prototypes.grad is not None
