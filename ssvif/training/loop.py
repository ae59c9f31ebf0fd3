"""The one training loop. A stage hands it phases; what differs between them is the objective."""

import logging
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from tqdm import tqdm

from ssvif import processes
from ssvif.data.views import Views
from ssvif.errors import TrainingError
from ssvif.params import TrainingParams
from ssvif.seeding import derive_seed
from ssvif.training.checkpoint import Checkpoint, CheckpointFolder

logger = logging.getLogger(__name__)

RISE_SHARE = 0.05  # of the steps
FINAL_RATE = 0.01  # of the peak learning rate

Figures = dict[str, float]


class Recorder(Protocol):
    """Keeps the figures of a stage."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Keep the figures of a step of the stage."""

    def rewind(self, step: int) -> None:
        """Forget the figures that a killed run kept of later steps; before the first `log`."""


class Unrecorded:
    """Keeps nothing: the first of several processes keeps the figures of all."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Pass the figures over."""

    def rewind(self, step: int) -> None:
        """Pass it over."""


class Objective(Protocol):
    """What a phase optimises: an `nn.Module` whose state is all that a checkpoint needs."""

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return groups of `params` and `lr` for the optimiser."""

    def backward(self, views: Views, step: int) -> Figures:
        """Compute the losses of a batch, leave their gradients, and return what to log.

        Of several processes, each gets its share, and leaves and returns what is of them all.
        """

    def after_step(self) -> None:
        """Do what follows an optimiser step."""

    def validate(self, views: Views) -> Figures:
        """Return the figures of a held-out batch."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state for a checkpoint."""

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> object:
        """Take up the state of a checkpoint."""


@dataclass(frozen=True)
class Phase:
    """A stretch of training with one objective.

    Args:
        name: Prefix of its log keys, such as `stage_two`.
        objective: What is optimised.
        steps: Optimiser steps.
        batches: The training batch of a step of the stage.
        validation: Held-out batches; may be empty.
        first_step: Step of the stage at which the phase begins, for the log.
    """

    name: str
    objective: Objective
    steps: int
    batches: Callable[[int], Views]
    validation: Sequence[Views]
    first_step: int = 0


def train(
    phase: Phase,
    *,
    params: TrainingParams,
    seed: int,
    recorder: Recorder,
    checkpoints: CheckpointFolder,
) -> None:
    """Run a phase to its end, from its last checkpoint where there is one.

    A phase that an earlier run has finished is passed over: the state that its successor
    takes up from the checkpoint holds its result.

    Args:
        phase: What to train.
        params: Clipping, weight decay, and how often to validate and save.
        seed: The stage's seed.
        recorder: Keeps what is logged.
        checkpoints: Where to save and resume.

    Raises:
        TrainingError: If a loss or a gradient is not finite; the last checkpoint is still there.
    """
    objective = phase.objective
    groups = objective.parameter_groups()
    optimizer = torch.optim.AdamW(groups, weight_decay=params.weight_decay)
    scheduler = LambdaLR(optimizer, lambda step: learning_rate_share(step, phase.steps))
    start = _resume(phase, optimizer, scheduler, checkpoints)
    progress = Progress(phase.name, start=start, steps=phase.steps)
    for step in range(start, phase.steps):
        torch.manual_seed(derive_seed(seed, phase.name, "step", step))
        with progress.waiting():
            views = phase.batches(phase.first_step + step)
        figures = objective.backward(views, step)
        figures["gradient_norm"] = _clip(optimizer, params.clip_norm)
        _require_finite(figures, phase=phase, step=step)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        objective.after_step()
        figures["learning_rate"] = float(scheduler.get_last_lr()[0])
        scheduler.step()
        done = step + 1
        recorder.log(phase.first_step + step, _prefixed(f"{phase.name}/train", figures))
        if done % params.validate_every == 0 or done == phase.steps:
            held_out = validate(objective, phase.validation)
            _require_finite(held_out, phase=phase, step=step)
            recorder.log(phase.first_step + step, _prefixed(f"{phase.name}/val", held_out))
        if processes.rank() == 0 and (done % params.checkpoint_every == 0 or done == phase.steps):
            checkpoints.save(_checkpoint(phase, done, optimizer, scheduler))
        progress.advance(figures)
    progress.close()


def validate(objective: Objective, validation: Sequence[Views]) -> Figures:
    """Return the mean figures of an objective over held-out batches; empty where none are."""
    with torch.no_grad():
        all_figures = [objective.validate(views) for views in validation]
    if not all_figures:
        return {}
    return {name: sum(f[name] for f in all_figures) / len(all_figures) for name in all_figures[0]}


def learning_rate_share(step: int, steps: int) -> float:
    """Return the learning rate of a step as a share of its peak: a short rise, then a cosine."""
    rise = max(1, round(RISE_SHARE * steps))
    if step < rise:
        return (step + 1) / rise
    progress = (step - rise) / max(1, steps - rise)
    return FINAL_RATE + (1.0 - FINAL_RATE) * 0.5 * (1.0 + math.cos(math.pi * progress))


class Progress:
    """A bar on a terminal, a plain line every few seconds elsewhere.

    Args:
        name: What is progressing.
        start: Steps already done.
        steps: Steps in all.
    """

    SECONDS_BETWEEN_LINES = 10.0

    def __init__(self, name: str, *, start: int, steps: int) -> None:
        terminal = sys.stderr.isatty()
        self._bar = tqdm(desc=name, initial=start, total=steps, unit="step", disable=not terminal)
        self._lines = not terminal
        self._name, self._done, self._steps = name, start, steps
        self._began = self._spoke = time.monotonic()
        self._start = start
        self._waited = 0.0

    def waiting(self) -> "_Stopwatch":
        """Return a context that counts as time spent waiting for data."""
        return _Stopwatch(self)

    def add_waiting(self, seconds: float) -> None:
        """Count seconds spent waiting for data."""
        self._waited += seconds

    def advance(self, figures: Mapping[str, float]) -> None:
        """Count a step, and show its loss."""
        self._done += 1
        self._bar.set_postfix({"loss": f"{figures['loss']:.4f}"}, refresh=False)
        self._bar.update()
        now = time.monotonic()
        if self._lines and (
            now - self._spoke >= self.SECONDS_BETWEEN_LINES or self._done == self._steps
        ):
            self._spoke = now
            elapsed = now - self._began
            logger.info(
                "%s: step %d of %d, loss %.4f, %.0f ms a step, %.0f %% of it waiting for data",
                self._name,
                self._done,
                self._steps,
                figures["loss"],
                1000.0 * elapsed / (self._done - self._start),
                100.0 * self._waited / elapsed,
            )

    def close(self) -> None:
        """End the bar."""
        self._bar.close()


class _Stopwatch:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._progress.add_waiting(time.monotonic() - self._began)


def gradients(module: nn.Module) -> list[Tensor]:
    """Return the gradients that a module's parameters have."""
    return [p.grad for p in module.parameters() if p.grad is not None]


def gradient_norm(tensors: Sequence[Tensor]) -> float:
    """Return the Euclidean norm of gradients taken together."""
    return float(torch.nn.utils.get_total_norm(tensors))


def group_norms(optimizer: torch.optim.Optimizer, clip_norm: float) -> list[Tensor]:
    """Clip each group's gradients by their norm, and return the norms that there were.

    A group that stands still has no gradients; their norm would lie on the CPU, and is left out.
    """
    groups = [group["params"] for group in optimizer.param_groups]
    moving = [group for group in groups if any(p.grad is not None for p in group)]
    return [nn.utils.clip_grad_norm_(group, clip_norm) for group in moving]


def _clip(optimizer: torch.optim.Optimizer, clip_norm: float) -> float:
    # Unlike Python's, torch's maximum of NaN and a number is NaN.
    return float(torch.stack(group_norms(optimizer, clip_norm)).max())


def _resume(
    phase: Phase,
    optimizer: torch.optim.Optimizer,
    scheduler: LambdaLR,
    checkpoints: CheckpointFolder,
) -> int:
    checkpoint = checkpoints.load()
    if checkpoint is None:
        return 0
    if checkpoint.phase != phase.name:
        return phase.steps if checkpoint.first_step > phase.first_step else 0
    phase.objective.load_state_dict(checkpoint.objective)
    optimizer.load_state_dict(checkpoint.optimizer)
    scheduler.load_state_dict(checkpoint.scheduler)
    logger.info("%s: goes on after step %d of %d", phase.name, checkpoint.step, phase.steps)
    return checkpoint.step


def _checkpoint(
    phase: Phase, done: int, optimizer: torch.optim.Optimizer, scheduler: LambdaLR
) -> Checkpoint:
    return Checkpoint(
        phase=phase.name,
        first_step=phase.first_step,
        step=done,
        objective=phase.objective.state_dict(),
        optimizer=optimizer.state_dict(),
        scheduler=scheduler.state_dict(),
    )


def _require_finite(figures: Mapping[str, float], *, phase: Phase, step: int) -> None:
    bad = [name for name, value in figures.items() if not math.isfinite(value)]
    if bad:
        raise TrainingError(
            f"{phase.name}: step {step} gave {', '.join(bad)} that is not finite; lower "
            f"{phase.name}.learning_rate, and look at the pairs in reports/ingest for odd ones"
        )


def _prefixed(prefix: str, figures: Mapping[str, float]) -> Figures:
    return {f"{prefix}/{name}": value for name, value in figures.items()}
