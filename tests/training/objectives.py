"""Objectives to test, and what they leave."""

from ssvif.params import ConsistencyParams, DynamicWeightParams, FusionLossParams, StageTwoParams
from ssvif.training.consistency import CrossSegmentationConsistency
from ssvif.training.dynamic_weight import DynamicWeight
from ssvif.training.joint_objective import JointObjective


def joint_objective(model, *, rho=1.0, ramp_share=0.0, **rates):
    weight = DynamicWeight(
        DynamicWeightParams(rho=rho, ramp_share=ramp_share), steps=10, prototypes=4
    )
    task = CrossSegmentationConsistency(model, ConsistencyParams(queue_batches=0))
    return JointObjective(
        model, task, weight, FusionLossParams(), StageTwoParams(**rates), health_every=5
    )


def gradients_of(module):
    return [p.grad.clone() for p in module.parameters() if p.grad is not None]
