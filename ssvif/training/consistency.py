"""The self-supervised task: both branches segment a scene as its two cameras together tell.

A moving-average teacher of the feature-level branch reads both cameras of one view and assigns its
positions to prototypes. From another view of the scene, which shares a part with the first, the
pixel-level branch must tell the same from one image that the fusion network made, through a noisy
channel; and the feature-level branch itself from cameras of which one may be missing.

Source: ours, around arXiv:2509.22450; the queue and the frozen prototypes as in SwAV
(arXiv:2006.09882), the teacher as in Mean Teacher (arXiv:1703.01780).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from ssvif import processes
from ssvif.data.views import Overlap
from ssvif.losses.consistency import sinkhorn_assignments, swapped_prediction_loss
from ssvif.models.network import SsvifModel

Parameters = tuple[Tensor, ...] | list[Tensor]

# Positions that one batch leaves in the queue.
_QUEUED_POSITIONS = 1024


@dataclass(frozen=True)
class FirstViews:
    """What the teacher reads: the first view of each scene.

    Args:
        image: What the fusion network made of it, (B, 3, S, S) in [0, 1].
        vis: Visible RGB, (B, 3, S, S) in [0, 1].
        ir: Infrared, (B, 1, S, S) in [0, 1].
    """

    image: Tensor
    vis: Tensor
    ir: Tensor


@dataclass(frozen=True)
class SecondViews:
    """What the students read: the second view of each scene.

    Args:
        image: What the fusion network made of it, (B, 3, S, S) in [0, 1].
        vis: Visible RGB, (B, 3, S, S) in [0, 1].
        ir: Infrared, (B, 1, S, S) in [0, 1].
        kept: Which cameras the feature-level branch may use, (2, B).
    """

    image: Tensor
    vis: Tensor
    ir: Tensor
    kept: Tensor


@dataclass(frozen=True)
class ConsistencyResult:
    """What one batch gives.

    Args:
        cross: Cross entropy of the pixel-level branch and the teacher, a scalar in nats.
        own: Cross entropy of the feature-level branch and its teacher, a scalar in nats.
        feature_classes: Class of each shared position by the teacher's assignment, (N,); of all
            processes' batches.
        pixel_classes: The same by the pixel-level branch, (N,).
    """

    cross: Tensor
    own: Tensor
    feature_classes: Tensor
    pixel_classes: Tensor


class CrossSegmentationConsistency(nn.Module):
    """Holds the teacher and its queue; computes the losses.

    Args:
        model: The student.
        level: Which branch of the teacher assigns.
        temperature: Of the students' predictions.
        epsilon: Of Sinkhorn's assignment: its smoothness.
        sinkhorn_iterations: Of its balancing; 0 leaves a softmax.
        queue_batches: Batches whose positions help to balance.
        teacher_decay: What the teacher keeps of itself at each step, in [0, 1].
    """

    def __init__(
        self,
        model: SsvifModel,
        *,
        level: Literal["feature", "pixel"],
        temperature: float,
        epsilon: float,
        sinkhorn_iterations: int,
        queue_batches: int,
        teacher_decay: float,
    ) -> None:
        super().__init__()
        self._level = level
        self._temperature = temperature
        self._epsilon, self._iterations = epsilon, sinkhorn_iterations
        device = model.prototypes.device
        self.average = AveragedModel(
            model,
            device=device,
            multi_avg_fn=_moving_average(teacher_decay),
            use_buffers=False,
        )
        self.average.requires_grad_(requires_grad=False)
        self.train()
        length = queue_batches * _QUEUED_POSITIONS
        embedding = model.prototypes.shape[1]
        self.queue: Tensor
        self.queued: Tensor
        self.register_buffer("queue", torch.zeros(length, embedding, device=device))
        self.register_buffer("queued", torch.zeros((), dtype=torch.long, device=device))

    def train(self, mode: bool = True) -> "CrossSegmentationConsistency":
        """Set the training mode; of the teacher, the fusion network alone is ever in it."""
        super().train(mode)
        self.average.eval()
        # In evaluation mode a flat image is a dead camera's; a flat window is not.
        self.teacher.fusion.train()
        return self

    @property
    def teacher(self) -> SsvifModel:
        """The moving average of the student; also what is kept after training."""
        return cast("SsvifModel", self.average.module)

    def follow(self, model: SsvifModel) -> None:
        """Move the teacher towards the student; call it after each optimiser step."""
        self.average.update_parameters(model)
        self.teacher.normalize_prototypes()  # a mean of unit vectors is shorter

    def forward(
        self, model: SsvifModel, first: FirstViews, second: SecondViews, overlap: Overlap
    ) -> ConsistencyResult:
        """Compute the losses of one batch.

        Args:
            model: The student.
            first: What the teacher reads.
            second: What the students read.
            overlap: What the views share.
        """
        targets = self._targets(first, overlap)
        # The prototypes belong to the feature level: an image may not move them to suit itself.
        embedding = overlap.second(model.pixel_branch(second.image))
        pixel_scores = _positions(embedding) @ model.prototypes.detach().T  # (N, K)
        embedding = overlap.second(model.feature_branch(second.vis, second.ir, second.kept))
        feature_scores = _positions(embedding) @ model.prototypes.T  # (N, K)
        return ConsistencyResult(
            cross=swapped_prediction_loss(pixel_scores, targets, temperature=self._temperature),
            own=swapped_prediction_loss(feature_scores, targets, temperature=self._temperature),
            feature_classes=processes.gathered(targets.argmax(1)),
            pixel_classes=processes.gathered(pixel_scores.argmax(1)),
        )

    @torch.no_grad()
    def _targets(self, first: FirstViews, overlap: Overlap) -> Tensor:
        """Assign a batch's shared positions, balanced over the batch and the queue."""
        teacher = self.teacher
        # By the student's statistics; its own batch's gain nothing (docs/experiments.md, 14).
        if self._level == "feature":
            planes = teacher.feature_branch(first.vis, first.ir)
        else:
            planes = teacher.pixel_branch(first.image)
        share = _positions(overlap.first(planes))
        embedding = processes.gathered(share)  # (N, D)
        filled = self.queue[: int(self.queued)]
        scores = torch.cat([embedding, filled]) @ teacher.prototypes.T  # (N + Q, K)
        assignments = sinkhorn_assignments(
            scores, epsilon=self._epsilon, iterations=self._iterations
        )
        self._enqueue(embedding)
        return processes.own(assignments[: embedding.shape[0]])

    def _enqueue(self, embedding: Tensor) -> None:
        """Put evenly spaced positions at the front of the queue; the oldest fall off."""
        length = self.queue.shape[0]
        if length == 0:
            return
        kept = torch.linspace(
            0, embedding.shape[0] - 1, _QUEUED_POSITIONS, device=embedding.device
        ).long()
        self.queue.copy_(torch.cat([embedding[kept], self.queue])[:length])
        self.queued.add_(_QUEUED_POSITIONS).clamp_(max=length)


def _moving_average(decay: float) -> Callable[[Parameters, Parameters, Tensor | int], None]:
    """Return an averaging rule that forgets fast at first, when the student learns most."""

    @torch.no_grad()
    def update(averaged: Parameters, current: Parameters, count: Tensor | int) -> None:
        share = min(decay, (1.0 + int(count)) / (10.0 + int(count)))
        torch._foreach_lerp_(averaged, current, 1.0 - share)

    return update


def _positions(planes: Tensor) -> Tensor:
    """Flatten (B, C, h, w) to positions (B h w, C)."""
    return planes.permute(0, 2, 3, 1).flatten(0, 2)
