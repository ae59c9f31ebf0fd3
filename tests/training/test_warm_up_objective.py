from ssvif.params import ConsistencyParams, WarmUpParams
from ssvif.training.consistency import CrossSegmentationConsistency
from ssvif.training.warm_up_objective import WarmUpObjective
from tests.training.objectives import gradients_of


def test_warm_up_objective__fusion_gets_no_gradient_and_branches_do(tiny_model, views):
    task = CrossSegmentationConsistency(tiny_model, ConsistencyParams(queue_batches=0))
    objective = WarmUpObjective(
        tiny_model, task, WarmUpParams(), freeze_prototypes_steps=1, health_every=5
    )
    objective.backward(views, 0)
    assert not gradients_of(tiny_model.fusion)
    assert gradients_of(tiny_model.feature_branch)
    assert tiny_model.prototypes.grad is None
    objective.backward(views, 1)
    assert tiny_model.prototypes.grad is not None
