"""The objective of the end of stage one: the branches alone."""

from dataclasses import asdict
from typing import Any

import torch

from ssvif import processes
from ssvif.data.views import Views
from ssvif.models.machine import Recipe
from ssvif.models.network import SsvifModel
from ssvif.ops import luminance
from ssvif.training.augment import draw_recipe
from ssvif.training.branch_objective import BranchObjective, BranchSettings, batch_generator
from ssvif.training.consistency import CrossSegmentationConsistency
from ssvif.training.loop import Figures, gradients


class WarmUpObjective(BranchObjective):
    """The end of stage one: the branches learn on a fusion network that stands still.

    Args:
        model: The model; its fusion network gets no gradient.
        consistency: The task.
        settings: Rates, noise, and how often health is measured.
        freeze_prototypes_steps: First steps in which the prototypes stand still too.
    """

    def __init__(
        self,
        model: SsvifModel,
        consistency: CrossSegmentationConsistency,
        settings: BranchSettings,
        *,
        freeze_prototypes_steps: int,
    ) -> None:
        # What is bad in the first half may yet become good.
        super().__init__(model, consistency, settings, judged_from=settings.steps // 2)
        self._freeze_prototypes_steps = freeze_prototypes_steps

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return the parameters of heads and trunks."""
        return self._branch_groups()

    def backward(self, views: Views, step: int) -> Figures:
        """Leave the consistency loss's gradients on branches and prototypes."""
        figures = self._refresh_health(views, step)
        with torch.no_grad():
            fused = self.model.fusion(luminance(views.vis), views.ir)
        # Machine views of any kind: a reader of one alone would not tell when it is bad.
        drawn = draw_recipe(len(views.ir), batch_generator(views, "recipe"))
        fused = fused._replace(recipe=Recipe(*(part.to(views.ir) for part in drawn)))
        result, step_health = self._consistency(fused, views)
        (result.cross + result.own).backward()
        processes.average(gradients(self))
        if step < self._freeze_prototypes_steps:
            self.model.prototypes.grad = None
        cross, own = float(result.cross.detach()), float(result.own.detach())
        figures |= {"loss": cross + own, "consistency": cross, "own": own} | asdict(step_health)
        return self._watched(step, figures)
