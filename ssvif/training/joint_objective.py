"""Stage two's objective: fusion and both branches."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from ssvif import processes
from ssvif.data.views import Views
from ssvif.models.machine import PLANE_NAMES, Recipe
from ssvif.models.network import SsvifModel
from ssvif.ops import luminance
from ssvif.training.branch_objective import BranchObjective, BranchSettings
from ssvif.training.consistency import CrossSegmentationConsistency
from ssvif.training.dynamic_weight import DynamicWeight
from ssvif.training.fusion_objective import FusionCriterion
from ssvif.training.loop import Figures, gradient_norm, gradients


class JointObjective(BranchObjective):
    """Stage two: fusion and consistency together.

    The branches get the whole consistency gradient; the fusion network gets it times the
    dynamic weight, beside the fusion loss's.

    Args:
        model: The model.
        consistency: The task.
        dynamic_weight: Weighs the consistency gradient at the fusion network.
        criterion: The fusion loss.
        settings: Of the branches: rates, noise, and how often health is measured.
        learning_rate: Peak learning rate of the fusion network.
        mixing_rate: Of the machine view's shares.
        tone_rate: Of the machine view's light curves.
    """

    def __init__(
        self,
        model: SsvifModel,
        consistency: CrossSegmentationConsistency,
        dynamic_weight: DynamicWeight,
        criterion: FusionCriterion,
        settings: BranchSettings,
        *,
        learning_rate: float,
        mixing_rate: float,
        tone_rate: float,
    ) -> None:
        super().__init__(model, consistency, settings, judged_from=1)
        self._dynamic_weight = dynamic_weight
        self._criterion = criterion
        self._rates = (learning_rate, mixing_rate, tone_rate)
        self._trust = 0.0
        self._before: list[Tensor] = []

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return the parameters of fusion, of the recipe, of heads and of trunks."""
        fusion = self.model.fusion
        recipe = fusion.recipe
        tones = [*recipe.context.parameters(), *recipe.strength.parameters()]
        apart = {id(parameter) for parameter in (recipe.mixing, *tones)}
        rest = [p for p in fusion.parameters() if id(p) not in apart]
        rate, mixing_rate, tone_rate = self._rates
        return [
            {"params": rest, "lr": rate},
            # Consistency alone moves the recipe: no decay.
            {"params": [recipe.mixing], "lr": mixing_rate, "weight_decay": 0.0},
            {"params": tones, "lr": tone_rate, "weight_decay": 0.0},
            *self._branch_groups(),
        ]

    def backward(self, views: Views, step: int) -> Figures:
        """Leave the joint gradients, the fusion network's weighted."""
        figures = self._refresh_health(views, step)
        vis_y = luminance(views.vis)
        fused = self.model.fusion(vis_y, views.ir)
        loss, fusion_figures = self._criterion(fused_y=fused.fused_y, vis_y=vis_y, ir=views.ir)
        result, step_health = self._consistency(fused, views)

        parameters = list(self.model.fusion.parameters())
        fusion_gradients = torch.autograd.grad(
            loss, parameters, retain_graph=True, allow_unused=True
        )
        (result.cross + result.own).backward()
        pulled = [
            (parameter.grad, gradient)
            for parameter, gradient in zip(parameters, fusion_gradients, strict=True)
            if parameter.grad is not None
        ]
        # Recipes have no part in the fusion loss: they have nothing to be balanced with.
        shared = [(pull, gradient) for pull, gradient in pulled if gradient is not None]
        processes.average([*gradients(self), *(gradient for _, gradient in shared)])
        terms = self._dynamic_weight.update(
            step,
            fusion_norm=gradient_norm([gradient for _, gradient in shared]),
            consistency_norm=gradient_norm([pull for pull, _ in shared]),
            health=step_health,
        )
        for pull, gradient in shared:
            pull.mul_(terms.weight).add_(gradient)
        self._trust = terms.trust
        self._before = [p.detach().clone() for p in self.model.fusion.recipe.parameters()]

        figures |= shares_in(fused.recipe)
        consistency = float(result.cross.detach())
        weight_terms = {f"dynamic_weight/{name}": value for name, value in asdict(terms).items()}
        figures |= fusion_figures | asdict(step_health) | weight_terms
        figures |= {"consistency": consistency, "own": float(result.own.detach())}
        figures["loss"] = fusion_figures["loss"] + terms.weight * consistency
        return self._watched(step, figures)

    @torch.no_grad()
    def after_step(self) -> None:
        """Let the recipe go the trusted part of the optimiser's step, and the teacher follow."""
        for parameter, before in zip(
            self.model.fusion.recipe.parameters(), self._before, strict=True
        ):
            parameter.copy_(torch.lerp(before, parameter, self._trust))
        super().after_step()

    def validate(self, views: Views) -> Figures:
        """Return the fusion loss of the averaged network and the branches' health."""
        vis_y = luminance(views.vis)
        fused = self.consistency.teacher.fusion(vis_y, views.ir)
        _, figures = self._criterion(fused_y=fused.fused_y, vis_y=vis_y, ir=views.ir)
        return processes.mean_figures(figures) | super().validate(views)

    def get_extra_state(self) -> dict[str, float]:
        """Return the dynamic weight's averages, as part of the state."""
        return self._dynamic_weight.state_dict()

    def set_extra_state(self, state: Mapping[str, float]) -> None:
        """Take up the dynamic weight's averages."""
        self._dynamic_weight.load_state_dict(dict(state))


def shares_in(recipe: Recipe) -> Figures:
    """Return what is in each channel of the machine view, by channel and plane."""
    shares = recipe.shares[0].detach()  # the same for all images
    return {
        f"machine/{channel}/{plane}": float(share)
        for channel, row in enumerate(shares, start=1)
        for plane, share in zip(PLANE_NAMES, row, strict=True)
    }
