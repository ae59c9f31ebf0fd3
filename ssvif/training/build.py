"""From parameters to what the stages train with: the one place where that happens."""

from ssvif.models.fusion import FusionNet
from ssvif.models.network import SsvifModel
from ssvif.params import ConsistencyParams, FusionLossParams, Params
from ssvif.training.branch_objective import BranchSettings
from ssvif.training.consistency import CrossSegmentationConsistency
from ssvif.training.dynamic_weight import DynamicWeight
from ssvif.training.fusion_objective import FusionCriterion, FusionObjective
from ssvif.training.joint_objective import JointObjective
from ssvif.training.warm_up_objective import WarmUpObjective


def build_fusion_objective(fusion: FusionNet, params: Params) -> FusionObjective:
    """Build what stage one optimises."""
    criterion = build_criterion(params.fusion_loss)
    return FusionObjective(fusion, criterion, learning_rate=params.stage_one.learning_rate)


def build_warm_up_objective(model: SsvifModel, params: Params) -> WarmUpObjective:
    """Build what the end of stage one optimises."""
    warm_up = params.warm_up
    rates = (warm_up.learning_rate, warm_up.trunk_learning_rate)
    return WarmUpObjective(
        model,
        build_consistency(model, params.consistency),
        _settings(params, *rates, steps=warm_up.steps),
        freeze_prototypes_steps=params.consistency.freeze_prototypes_steps,
    )


def build_joint_objective(model: SsvifModel, params: Params) -> JointObjective:
    """Build what stage two optimises."""
    stage = params.stage_two
    rates = (stage.head_learning_rate, stage.trunk_learning_rate)
    return JointObjective(
        model,
        build_consistency(model, params.consistency),
        DynamicWeight(
            **params.dynamic_weight.model_dump(),
            steps=stage.steps,
            prototypes=len(model.prototypes),
        ),
        build_criterion(params.fusion_loss),
        _settings(params, *rates, steps=stage.steps),
        learning_rate=stage.learning_rate,
        mixing_rate=stage.mixing_learning_rate,
        tone_rate=stage.tone_learning_rate,
    )


def build_criterion(params: FusionLossParams) -> FusionCriterion:
    """Build the weighted fusion loss."""
    return FusionCriterion(**params.model_dump())


def build_consistency(model: SsvifModel, params: ConsistencyParams) -> CrossSegmentationConsistency:
    """Build the self-supervised task, whose teacher begins as the model is."""
    return CrossSegmentationConsistency(
        model,
        level=params.teacher,
        temperature=params.temperature,
        epsilon=params.epsilon,
        sinkhorn_iterations=params.sinkhorn_iterations,
        queue_batches=params.queue_batches,
        teacher_decay=params.teacher_decay,
    )


def _settings(params: Params, head_rate: float, trunk_rate: float, *, steps: int) -> BranchSettings:
    return BranchSettings(
        steps=steps,
        head_rate=head_rate,
        trunk_rate=trunk_rate,
        channel_noise=params.consistency.channel_noise,
        source_dropout=params.consistency.source_dropout,
        health_every=params.training.health_every,
    )
