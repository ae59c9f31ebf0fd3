"""What the phases optimise: fusion alone, the branches alone, and both jointly."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from ssvif.data.views import Views
from ssvif.losses.fusion import fusion_loss
from ssvif.models.fusion import Fused, FusionNet
from ssvif.models.machine import PLANE_NAMES, Recipe, machine_view
from ssvif.models.network import SsvifModel
from ssvif.ops import luminance, with_chroma
from ssvif.params import FusionLossParams, StageTwoParams, WarmUpParams
from ssvif.seeding import derive_seed
from ssvif.training import health
from ssvif.training.augment import draw_kept, draw_recipe, jitter, noisy_channel
from ssvif.training.consistency import (
    ConsistencyResult,
    CrossSegmentationConsistency,
    FirstViews,
    SecondViews,
)
from ssvif.training.dynamic_weight import ConsistencyHealth, DynamicWeight
from ssvif.training.loop import Figures, gradient_norm


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
        return figures

    def after_step(self) -> None:
        """Nothing follows a step."""

    def validate(self, views: Views) -> Figures:
        """Return the fusion loss and its terms."""
        return self._loss(views)[1]

    def _loss(self, views: Views) -> tuple[Tensor, Figures]:
        vis_y = luminance(views.vis)
        fused = self.fusion(vis_y, views.ir)
        return weighted_fusion_loss(fused.fused_y, vis_y, views.ir, self._weights)


class _BranchObjective(nn.Module):
    """What the warm-up and the joint stage share: the model, the task, its health."""

    def __init__(
        self,
        model: SsvifModel,
        consistency: CrossSegmentationConsistency,
        *,
        rates: tuple[float, float],
        health_every: int,
    ) -> None:
        super().__init__()
        self.model = model
        self.consistency = consistency
        self._head_rate, self._trunk_rate = rates
        self._health_every = health_every
        self._watch = health.HealthWatch(len(model.prototypes))
        # A buffer, so that a resumed run weighs its first steps as an undisturbed one does.
        self.equivariance: Tensor
        self.register_buffer("equivariance", torch.zeros((), device=model.prototypes.device))

    def after_step(self) -> None:
        """Put the prototypes back on the sphere and let the teacher follow."""
        self.model.normalize_prototypes()
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
            {"params": [*heads, self.model.prototypes], "lr": self._head_rate},
            {"params": trunks, "lr": self._trunk_rate},
        ]

    def _consistency(
        self, fused: Fused, views: Views
    ) -> tuple[ConsistencyResult, ConsistencyHealth]:
        """Compute the task on a batch whose first half are the first views."""
        half = views.ir.shape[0] // 2
        params = self.consistency.params
        images = seen_images(fused, views)
        image, vis, ir = (
            jitter(planes[half:], _generator(views, name))
            for name, planes in (("image", images), ("vis", views.vis), ("ir", views.ir))
        )
        second = SecondViews(
            image=noisy_channel(image, params.channel_noise, _generator(views, "channel")),
            vis=vis,
            ir=ir,
            kept=draw_kept(half, params.source_dropout, _generator(views, "kept")).to(vis),
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
        """Measure the teacher, every so many steps: too dear for every step."""
        if step % self._health_every:
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
        feature, pixel = (score.argmax(1) for score in scores)
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
            "brightness_information": health.brightness_information(pixel, fused.fused_y),
        }


class WarmUpObjective(_BranchObjective):
    """The end of stage one: the branches learn on a fusion network that stands still.

    Args:
        model: The model; its fusion network gets no gradient.
        consistency: The task.
        params: Learning rates.
        freeze_prototypes_steps: First steps in which the prototypes stand still too.
        health_every: Steps between the dearer health figures.
    """

    def __init__(
        self,
        model: SsvifModel,
        consistency: CrossSegmentationConsistency,
        params: WarmUpParams,
        *,
        freeze_prototypes_steps: int,
        health_every: int,
    ) -> None:
        rates = (params.learning_rate, params.trunk_learning_rate)
        super().__init__(model, consistency, rates=rates, health_every=health_every)
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
        drawn = draw_recipe(len(views.ir), _generator(views, "recipe"))
        fused = fused._replace(recipe=Recipe(*(part.to(views.ir) for part in drawn)))
        result, step_health = self._consistency(fused, views)
        (result.cross + result.own).backward()
        if step < self._freeze_prototypes_steps:
            self.model.prototypes.grad = None
        cross, own = float(result.cross.detach()), float(result.own.detach())
        figures |= {"loss": cross + own, "consistency": cross, "own": own} | asdict(step_health)
        self._watch.check(step, figures)
        return figures


class JointObjective(_BranchObjective):
    """Stage two: fusion and consistency together.

    The branches get the whole consistency gradient; the fusion network gets it times the
    dynamic weight, beside the fusion loss's.

    Args:
        model: The model.
        consistency: The task.
        dynamic_weight: Weighs the consistency gradient at the fusion network.
        weights: Weights of the fusion loss's terms.
        params: Learning rates.
        health_every: Steps between the dearer health figures.
    """

    def __init__(
        self,
        model: SsvifModel,
        consistency: CrossSegmentationConsistency,
        dynamic_weight: DynamicWeight,
        weights: FusionLossParams,
        params: StageTwoParams,
        *,
        health_every: int,
    ) -> None:
        rates = (params.head_learning_rate, params.trunk_learning_rate)
        super().__init__(model, consistency, rates=rates, health_every=health_every)
        self._dynamic_weight = dynamic_weight
        self._weights = weights
        self._rates = params
        self._trust = 0.0
        self._before: list[Tensor] = []

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return the parameters of fusion, of the recipe, of heads and of trunks."""
        fusion = self.model.fusion
        recipe = fusion.recipe
        tones = [*recipe.context.parameters(), *recipe.strength.parameters()]
        apart = {id(parameter) for parameter in (recipe.mixing, *tones)}
        rest = [p for p in fusion.parameters() if id(p) not in apart]
        return [
            {"params": rest, "lr": self._rates.learning_rate},
            {"params": [recipe.mixing], "lr": self._rates.mixing_learning_rate},
            {"params": tones, "lr": self._rates.tone_learning_rate},
            *self._branch_groups(),
        ]

    def backward(self, views: Views, step: int) -> Figures:
        """Leave the joint gradients, the fusion network's weighted."""
        figures = self._refresh_health(views, step)
        vis_y = luminance(views.vis)
        fused = self.model.fusion(vis_y, views.ir)
        loss, fusion_figures = weighted_fusion_loss(fused.fused_y, vis_y, views.ir, self._weights)
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
        self._watch.check(step, figures)
        return figures

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
        _, figures = weighted_fusion_loss(fused.fused_y, vis_y, views.ir, self._weights)
        return figures | super().validate(views)

    def get_extra_state(self) -> dict[str, float]:
        """Return the dynamic weight's averages, as part of the state."""
        return self._dynamic_weight.state_dict()

    def set_extra_state(self, state: Mapping[str, float]) -> None:
        """Take up the dynamic weight's averages."""
        self._dynamic_weight.load_state_dict(dict(state))


@contextmanager
def _centred(model: SsvifModel, *, momentum: float | None) -> Iterator[None]:
    """Let both heads centre a batch by its own statistics.

    Args:
        model: In evaluation mode.
        momentum: How far what they keep moves towards those; None for the mean over all batches
            from here on.
    """
    centres = [branch.head.centre for branch in (model.feature_branch, model.pixel_branch)]
    usual = centres[0].momentum
    for centre in centres:
        centre.momentum = momentum
        if momentum is None:
            centre.reset_running_stats()
        centre.train()
    try:
        yield
    finally:
        for centre in centres:
            centre.momentum = usual
            centre.eval()


def _generator(views: Views, name: str) -> torch.Generator:
    """Return the random numbers of one consumer in a batch."""
    return torch.Generator().manual_seed(derive_seed(views.seed, name))


def shares_in(recipe: Recipe) -> Figures:
    """Return what is in each channel of the machine view, by channel and plane."""
    shares = recipe.shares[0].detach()  # the same for all images
    return {
        f"machine/{channel}/{plane}": float(share)
        for channel, row in enumerate(shares, start=1)
        for plane, share in zip(PLANE_NAMES, row, strict=True)
    }


def seen_images(fused: Fused, views: Views) -> Tensor:
    """Return what the pixel-level branch sees, (2 B, 3, S, S).

    Of every other scene that is the machine view, of the others the fused image in colour: the
    branch learns to read both.
    """
    scenes = torch.arange(len(views.ir), device=views.ir.device) % (len(views.ir) // 2)
    is_machine = (scenes % 2 == 0)[:, None, None, None]
    machine = machine_view(vis=views.vis, ir=views.ir, recipe=fused.recipe)
    return torch.where(is_machine, machine, with_chroma(fused.fused_y, views.vis))


def weighted_fusion_loss(
    fused_y: Tensor, vis_y: Tensor, ir: Tensor, weights: FusionLossParams
) -> tuple[Tensor, Figures]:
    """Return the weighted fusion loss, and the loss and its terms as figures."""
    aim = {"contrast": weights.contrast, "sharpness": weights.sharpness}
    terms = fusion_loss(fused_y=fused_y, vis_y=vis_y, ir=ir, **aim)
    loss = (
        weights.intensity_weight * terms["intensity"]
        + weights.gradient_weight * terms["gradient"]
        + weights.ssim_weight * terms["ssim"]
    )
    figures = {name: float(term.detach()) for name, term in terms.items()}
    return loss, {"loss": float(loss.detach()), **figures}
