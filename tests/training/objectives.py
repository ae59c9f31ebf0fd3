"""Objectives to test, and what they leave."""

from ssvif.params import ConsistencyParams, parse_params
from ssvif.training.build import build_consistency, build_joint_objective


def task_of(model, **params):
    return build_consistency(model, ConsistencyParams(**{"queue_batches": 0, **params}))


def params_of(**stage_two):
    return parse_params(
        {
            "dynamic_weight": {
                "rho": stage_two.pop("rho", 1.0),
                "ramp_share": stage_two.pop("ramp_share", 0.0),
            },
            "consistency": {
                "queue_batches": 0,
                "channel_noise": stage_two.pop("channel_noise", 0.15),
            },
            "training": {"health_every": 5},
            "stage_two": {"steps": 10, **stage_two},
        }
    )


def joint_objective(model, **params):
    return build_joint_objective(model, params_of(**params))


def gradients_of(module):
    return [p.grad.clone() for p in module.parameters() if p.grad is not None]
