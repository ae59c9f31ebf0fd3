"""What the warm-up and the joint stage share: both segmentations, the task, its health."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ssvif import processes
from ssvif.data.views import Views
from ssvif.models.fusion import Fused
from ssvif.models.machine import machine_view
from ssvif.models.network import SsvifModel
from ssvif.ops import luminance, with_chroma
from ssvif.seeding import derive_seed
from ssvif.training import health
from ssvif.training.augment import draw_kept, jitter, noisy_channel
from ssvif.training.consistency import (
    ConsistencyResult,
    CrossSegmentationConsistency,
    FirstViews,
    SecondViews,
)
from ssvif.training.dynamic_weight import ConsistencyHealth
from ssvif.training.loop import Figures


@dataclass(frozen=True)
class BranchSettings:
    """How the branches are trained.

    Args:
        steps: Optimiser steps.
        head_rate: Peak learning rate of heads and prototypes.
        trunk_rate: Of the trunks; at 0 they stand still, and so does their normalisation.
        channel_noise: Deviation of the noisy channel, in grey values of [0, 1].
        source_dropout: How often each camera is missing, in [0, 0.5].
        health_every: Steps between the dearer health figures.
    """

    steps: int
    head_rate: float
    trunk_rate: float
    channel_noise: float
    source_dropout: float
    health_every: int


class BranchObjective(nn.Module):
    """An objective with both branches.

    Args:
        model: The model.
        consistency: The task.
        settings: Rates, noise, and how often health is measured.
        judged_from: The first step whose health is judged.
    """

    def __init__(
        self,
        model: SsvifModel,
        consistency: CrossSegmentationConsistency,
        settings: BranchSettings,
        *,
        judged_from: int,
    ) -> None:
        super().__init__()
        self.model = model
        self.consistency = consistency
        self._settings = settings
        if settings.trunk_rate == 0.0:
            for each in (model, consistency.teacher):
                for branch in (each.feature_branch, each.pixel_branch):
                    branch.trunk.requires_grad_(requires_grad=False)
                    branch.trunk.freeze_norm()
        self._watch = health.HealthWatch(len(model.prototypes), judged_from=judged_from)
        # A buffer, so that a resumed run weighs its first steps as an undisturbed one does.
        self.equivariance: Tensor
        self.register_buffer("equivariance", torch.zeros((), device=model.prototypes.device))

    def after_step(self) -> None:
        """Put the prototypes back on the sphere and let the teacher follow."""
        self.model.normalize_prototypes()
        _share_statistics(self.model)
        self.consistency.follow(self.model)

    def validate(self, views: Views) -> Figures:
        """Return the teacher's agreement, used prototypes and shortcuts on a held-out batch."""
        return self._measure(views)

    def _branch_groups(self) -> list[dict[str, Any]]:
        branches = (self.model.feature_branch, self.model.pixel_branch)
        trunks = [p for branch in branches for p in branch.trunk.parameters()]
        of_trunks = {id(parameter) for parameter in trunks}
        heads = [p for b in branches for p in b.parameters() if id(p) not in of_trunks]
        return [
            {"params": [*heads, self.model.prototypes], "lr": self._settings.head_rate},
            {"params": trunks, "lr": self._settings.trunk_rate},
        ]

    def _consistency(
        self, fused: Fused, views: Views
    ) -> tuple[ConsistencyResult, ConsistencyHealth]:
        """Compute the task on a batch whose first half are the first views."""
        half = views.ir.shape[0] // 2
        noise, dropout = self._settings.channel_noise, self._settings.source_dropout
        images = seen_images(fused, views)
        image, vis, ir = (
            jitter(planes[half:], batch_generator(views, name))
            for name, planes in (("image", images), ("vis", views.vis), ("ir", views.ir))
        )
        second = SecondViews(
            image=noisy_channel(image, noise, batch_generator(views, "channel")),
            vis=vis,
            ir=ir,
            kept=draw_kept(half, dropout, batch_generator(views, "kept")).to(vis),
        )
        first = FirstViews(images[:half].detach(), views.vis[:half], views.ir[:half])
        result = self.consistency(self.model, first, second, views.overlap)
        classes = (result.feature_classes, result.pixel_classes)
        return result, ConsistencyHealth(
            agreement=health.class_agreement(*classes),
            effective_prototypes=health.used_prototypes(
                *classes, prototypes=len(self.model.prototypes)
            ),
            equivariance=float(self.equivariance),
        )

    def _refresh_health(self, views: Views, step: int) -> Figures:
        """Measure the teacher, every so many steps and at the last one: too dear for every step."""
        if step % self._settings.health_every and step != self._settings.steps - 1:
            return {}
        figures = self._measure(views)
        self.equivariance.fill_(figures["equivariance"])
        return {f"teacher/{name}": value for name, value in figures.items()}

    @torch.no_grad()
    def settle(self, batches: Iterable[Views]) -> None:
        """Give the teacher's heads the statistics of images as they are used.

        Those that training leaves are of images with noise, and of cameras that are missing.
        """
        with _centred(self.consistency.teacher, momentum=None):
            for views in batches:
                self._segment(views)
        _share_statistics(self.consistency.teacher)

    def _watched(self, step: int, figures: Figures) -> Figures:
        """Return the whole batch's figures, having warned of what is bad in them."""
        figures = processes.mean_figures(figures)
        self._watch.check(step, figures)
        return figures

    def _segment(self, views: Views) -> tuple[Fused, Tensor, Tensor]:
        """Return what the teacher fuses, and its scores (2 B, K, ., .) of both levels."""
        teacher = self.consistency.teacher
        fused = teacher.fusion(luminance(views.vis), views.ir)
        feature = teacher.feature_level(views.vis, views.ir)
        return fused, feature, teacher.pixel_level(seen_images(fused, views))

    @torch.no_grad()
    def _measure(self, views: Views) -> Figures:
        teacher = self.consistency.teacher
        with _centred(teacher, momentum=0.0):
            fused, *scores = self._segment(views)
        feature, pixel = (processes.gathered(score.argmax(1), groups=2) for score in scores)
        fused_y = processes.gathered(fused.fused_y, groups=2)
        half = len(pixel) // 2
        feature = feature[:half]
        shared = (views.overlap.first(feature), views.overlap.second(pixel[half:]))
        return {
            "agreement": health.class_agreement(*shared),
            "effective_prototypes": health.used_prototypes(
                feature, pixel, prototypes=len(teacher.prototypes)
            ),
            "equivariance": health.equivariance(pixel[:half], pixel[half:], views.overlap),
            "position_information": health.position_information(pixel),
            "brightness_information": health.brightness_information(pixel, fused_y),
        }


def seen_images(fused: Fused, views: Views) -> Tensor:
    """Return what the pixel-level branch sees, (2 B, 3, S, S).

    Of every other scene that is the machine view, of the others the fused image in colour: the
    branch learns to read both.
    """
    rows = len(views.ir) * processes.count()
    scenes = processes.own(torch.arange(rows, device=views.ir.device) % (rows // 2), groups=2)
    # Known scenes come first in a batch: they are to be seen in either way, too.
    is_machine = ((scenes + views.seed) % 2 == 0)[:, None, None, None]
    machine = machine_view(vis=views.vis, ir=views.ir, recipe=fused.recipe)
    return torch.where(is_machine, machine, with_chroma(fused.fused_y, views.vis))


def _share_statistics(model: SsvifModel) -> None:
    """Let all processes keep the mean of what free trunks learnt from each one's share."""
    norms = model.free_norms()
    kept = [each for norm in norms for each in (norm.running_mean, norm.running_var)]
    processes.average([each for each in kept if each is not None])


@contextmanager
def _centred(model: SsvifModel, *, momentum: float | None) -> Iterator[None]:
    """Let a model's branches normalise a batch by its own statistics.

    Args:
        model: In evaluation mode.
        momentum: How far what they keep moves towards those; None for the mean over all batches
            from here on.
    """
    norms = model.free_norms()
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = momentum
        if momentum is None:
            norm.reset_running_stats()
        norm.train()
    try:
        yield
    finally:
        for norm, own in zip(norms, usual, strict=True):
            norm.momentum = own
            norm.eval()


def batch_generator(views: Views, name: str) -> torch.Generator:
    """Return the random numbers of one consumer in a batch."""
    return torch.Generator().manual_seed(derive_seed(views.seed, name))
