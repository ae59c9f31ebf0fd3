"""Stage one's objective: fusion alone."""

from typing import Any

from torch import Tensor, nn

from ssvif import processes
from ssvif.data.views import Views
from ssvif.losses.fusion import fusion_loss
from ssvif.models.fusion import FusionNet
from ssvif.ops import luminance
from ssvif.params import FusionLossParams
from ssvif.training.loop import Figures, gradients


class FusionObjective(nn.Module):
    """Stage one: the fusion loss alone.

    Args:
        fusion: The network to train.
        weights: Weights of the loss's terms.
        learning_rate: Its peak.
    """

    def __init__(
        self, fusion: FusionNet, weights: FusionLossParams, *, learning_rate: float
    ) -> None:
        super().__init__()
        self.fusion = fusion
        self._weights = weights
        self._learning_rate = learning_rate

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return the fusion network's parameters."""
        return [{"params": list(self.fusion.parameters()), "lr": self._learning_rate}]

    def backward(self, views: Views, step: int) -> Figures:  # noqa: ARG002 - Objective
        """Leave the fusion loss's gradients."""
        loss, figures = self._loss(views)
        loss.backward()
        processes.average(gradients(self))
        return processes.mean_figures(figures)

    def after_step(self) -> None:
        """Nothing follows a step."""

    def validate(self, views: Views) -> Figures:
        """Return the fusion loss and its terms."""
        return processes.mean_figures(self._loss(views)[1])

    def _loss(self, views: Views) -> tuple[Tensor, Figures]:
        vis_y = luminance(views.vis)
        fused = self.fusion(vis_y, views.ir)
        planes = {"fused_y": fused.fused_y, "vis_y": vis_y, "ir": views.ir}
        return weighted_fusion_loss(self._weights, **planes)


def weighted_fusion_loss(
    weights: FusionLossParams, *, fused_y: Tensor, vis_y: Tensor, ir: Tensor
) -> tuple[Tensor, Figures]:
    """Return the weighted fusion loss, a scalar, and the loss and its terms as figures.

    Args:
        weights: Aim and weights of the terms.
        fused_y: Fused luminance, (B, 1, H, W) in [0, 1].
        vis_y: Visible luminance, the same shape.
        ir: Infrared, the same shape.
    """
    aim = weights.model_dump(include={"contrast", "sharpness", "veiling"})
    terms = fusion_loss(fused_y=fused_y, vis_y=vis_y, ir=ir, **aim)
    loss = (
        weights.intensity_weight * terms["intensity"]
        + weights.gradient_weight * terms["gradient"]
        + weights.ssim_weight * terms["ssim"]
    )
    figures = {name: float(term.detach()) for name, term in terms.items()}
    return loss, {"loss": float(loss.detach()), **figures}
