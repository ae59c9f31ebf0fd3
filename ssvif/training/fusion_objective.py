"""Stage one's objective: fusion alone; and the fusion loss of both stages."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from ssvif import processes
from ssvif.data.views import Views
from ssvif.losses.fusion import fusion_loss
from ssvif.models.fusion import FusionNet
from ssvif.ops import luminance
from ssvif.training.loop import Figures, gradients


@dataclass(frozen=True)
class FusionCriterion:
    """The fusion loss with its aims and its weights; `ssvif/losses/fusion.py` explains them.

    Args:
        contrast: Times the brighter camera's contrast that an image is to have.
        sharpness: Times the stronger gradient that it is to have.
        veiling: Share of a camera's gradients that is not asked for where the other is saturated.
        intensity_weight: Weight of the distance to the brighter camera.
        gradient_weight: Weight of the distance to the stronger gradient.
        ssim_weight: Weight of what is missing to structural similarity.
    """

    contrast: float
    sharpness: float
    veiling: float
    intensity_weight: float
    gradient_weight: float
    ssim_weight: float

    def __call__(self, *, fused_y: Tensor, vis_y: Tensor, ir: Tensor) -> tuple[Tensor, Figures]:
        """Return the weighted loss, a scalar, and the loss and its terms as figures.

        Args:
            fused_y: Fused luminance, (B, 1, H, W) in [0, 1].
            vis_y: Visible luminance, the same shape.
            ir: Infrared, the same shape.
        """
        terms = fusion_loss(
            fused_y=fused_y,
            vis_y=vis_y,
            ir=ir,
            contrast=self.contrast,
            sharpness=self.sharpness,
            veiling=self.veiling,
        )
        loss = (
            self.intensity_weight * terms["intensity"]
            + self.gradient_weight * terms["gradient"]
            + self.ssim_weight * terms["ssim"]
        )
        figures = {name: float(term.detach()) for name, term in terms.items()}
        return loss, {"loss": float(loss.detach()), **figures}


class FusionObjective(nn.Module):
    """Stage one: the fusion loss alone.

    Args:
        fusion: The network to train.
        criterion: The fusion loss.
        learning_rate: Its peak.
    """

    def __init__(
        self, fusion: FusionNet, criterion: FusionCriterion, *, learning_rate: float
    ) -> None:
        super().__init__()
        self.fusion = fusion
        self._criterion = criterion
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
        fused_y = self.fusion(vis_y, views.ir).fused_y
        return self._criterion(fused_y=fused_y, vis_y=vis_y, ir=views.ir)
