"""The self-supervised task: both branches segment a scene alike, though each sees it its way.

The feature-level branch reads both cameras of one view, the pixel-level branch one image that the
fusion network made of another view of the same scene. A moving-average teacher of each branch gives
Sinkhorn assignments on what the views share; each branch predicts the other's.

Source: ours, around arXiv:2509.22450; the queue and the frozen prototypes as in SwAV
(arXiv:2006.09882), the teacher as in Mean Teacher (arXiv:1703.01780).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from ssvif.data.views import Overlap
from ssvif.losses.consistency import sinkhorn_assignments, swapped_prediction_loss
from ssvif.models.network import SsvifModel
from ssvif.params import ConsistencyParams

Parameters = tuple[Tensor, ...] | list[Tensor]

# Positions of each branch that one batch leaves in the queue.
_QUEUED_POSITIONS = 1024


@dataclass(frozen=True)
class ConsistencyResult:
    """What one batch gives.

    Args:
        loss: The swapped prediction loss, a scalar in nats.
        feature_classes: Class of each shared position by the feature-level branch, (N,).
        pixel_classes: The same by the pixel-level branch, (N,).
    """

    loss: Tensor
    feature_classes: Tensor
    pixel_classes: Tensor


class CrossSegmentationConsistency(nn.Module):
    """Holds the teacher and the queues; computes the loss.

    Args:
        model: The student.
        params: Temperature, Sinkhorn and teacher settings.
    """

    def __init__(self, model: SsvifModel, params: ConsistencyParams) -> None:
        super().__init__()
        self._params = params
        # Its normalisation has the student's statistics, and never its own batch's.
        self.average = AveragedModel(
            model, multi_avg_fn=_moving_average(params.teacher_decay), use_buffers=False
        )
        self.average.requires_grad_(requires_grad=False)
        self.average.eval()
        length = params.queue_batches * _QUEUED_POSITIONS
        embedding = model.prototypes.shape[1]
        self.feature_queue: Tensor
        self.pixel_queue: Tensor
        self.queued: Tensor
        self.register_buffer("feature_queue", torch.zeros(length, embedding))
        self.register_buffer("pixel_queue", torch.zeros(length, embedding))
        self.register_buffer("queued", torch.zeros((), dtype=torch.long))

    def train(self, mode: bool = True) -> "CrossSegmentationConsistency":
        """Set the training mode; the teacher stays in evaluation mode."""
        super().train(mode)
        self.average.eval()
        return self

    @property
    def teacher(self) -> SsvifModel:
        """The moving average of the student; also what is kept after training."""
        return cast("SsvifModel", self.average.module)

    def follow(self, model: SsvifModel) -> None:
        """Move the teacher towards the student; call it after each optimiser step."""
        self.average.update_parameters(model)

    def forward(
        self,
        model: SsvifModel,
        *,
        vis: Tensor,
        ir: Tensor,
        image: Tensor,
        changed: Tensor,
        overlap: Overlap,
    ) -> ConsistencyResult:
        """Compute the loss of one batch.

        Args:
            model: The student.
            vis: Visible images of the first views, (B, 3, S, S).
            ir: Infrared ones, (B, 1, S, S).
            image: What was made of the second views, (B, 3, S, S), for the teacher.
            changed: The same, photometrically changed, for the student.
            overlap: What the views share.
        """
        embedding = model.feature_branch(vis, ir)
        feature_scores = _positions(overlap.first(model.scores(embedding)))  # (N, K)
        embedding = model.pixel_branch(changed)
        pixel_scores = _positions(overlap.second(model.scores(embedding)))  # (N, K)
        feature_targets, pixel_targets = self._targets(vis, ir, image, overlap)
        temperature = self._params.temperature
        loss = 0.5 * (
            swapped_prediction_loss(pixel_scores, feature_targets, temperature=temperature)
            + swapped_prediction_loss(feature_scores, pixel_targets, temperature=temperature)
        )
        return ConsistencyResult(loss, feature_scores.argmax(1), pixel_scores.argmax(1))

    @torch.no_grad()
    def _targets(
        self, vis: Tensor, ir: Tensor, image: Tensor, overlap: Overlap
    ) -> tuple[Tensor, Tensor]:
        teacher = self.teacher
        feature = _positions(overlap.first(teacher.feature_branch(vis, ir)))  # (N, D)
        pixel = _positions(overlap.second(teacher.pixel_branch(image)))  # (N, D)
        targets = (
            self._assign(feature, self.feature_queue),
            self._assign(pixel, self.pixel_queue),
        )
        self._enqueue(feature, pixel)
        return targets

    def _assign(self, embedding: Tensor, queue: Tensor) -> Tensor:
        """Assign a batch's positions, balanced over the batch and the queue."""
        filled = queue[: int(self.queued)]
        scores = torch.cat([embedding, filled]) @ self.teacher.prototypes.T  # (N + Q, K)
        assignments = sinkhorn_assignments(
            scores, epsilon=self._params.epsilon, iterations=self._params.sinkhorn_iterations
        )
        return assignments[: embedding.shape[0]]

    def _enqueue(self, feature: Tensor, pixel: Tensor) -> None:
        """Put evenly spaced positions at the front of the queues; the oldest fall off."""
        length = self.feature_queue.shape[0]
        if length == 0:
            return
        kept = torch.linspace(
            0, feature.shape[0] - 1, _QUEUED_POSITIONS, device=feature.device
        ).long()
        for queue, embedding in ((self.feature_queue, feature), (self.pixel_queue, pixel)):
            queue.copy_(torch.cat([embedding[kept], queue])[:length])
        self.queued.add_(_QUEUED_POSITIONS).clamp_(max=length)


def _moving_average(decay: float) -> Callable[[Parameters, Parameters, Tensor | int], None]:
    """Return an averaging rule that forgets fast at first: a new teacher knows nothing yet."""

    @torch.no_grad()
    def update(averaged: Parameters, current: Parameters, count: Tensor | int) -> None:
        share = min(decay, (1.0 + int(count)) / (10.0 + int(count)))
        torch._foreach_lerp_(averaged, current, 1.0 - share)

    return update


def _positions(planes: Tensor) -> Tensor:
    """Flatten (B, C, h, w) to positions (B h w, C)."""
    return planes.permute(0, 2, 3, 1).flatten(0, 2)
