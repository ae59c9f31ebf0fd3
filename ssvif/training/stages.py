"""The two training stages, from pairs in memory to a trained model."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from ssvif import processes
from ssvif.data.scenes import Replay
from ssvif.data.views import Pair, Views, draw_views, window_side
from ssvif.errors import TrainingError
from ssvif.models.network import SsvifModel, build_model
from ssvif.params import Params, TrainingParams
from ssvif.seeding import derive_seed
from ssvif.training.build import (
    build_fusion_objective,
    build_joint_objective,
    build_warm_up_objective,
)
from ssvif.training.checkpoint import CheckpointFolder
from ssvif.training.loop import Objective, Phase, Recorder, train

VALIDATION_BATCHES = 4
SETTLING_BATCHES = 16


@dataclass(frozen=True)
class TrainingData:
    """Pairs in memory; no labels.

    Args:
        train: Pairs to learn from.
        val: Held-out pairs for the curves; may be empty.
        known: Indices of the pairs of `train` that the model learnt from before.
    """

    train: Sequence[Pair]
    val: Sequence[Pair]
    known: frozenset[int] = frozenset()


def stage_one_side(params: Params) -> int:
    """Return the least side in pixels that stage one needs of a pair."""
    return window_side(params.stage_one.crop, params.consistency.min_overlap)


def stage_two_side(params: Params) -> int:
    """Return the least side in pixels that stage two needs of a pair."""
    return window_side(params.stage_two.crop, params.consistency.min_overlap)


def train_stage_one(
    data: TrainingData,
    params: Params,
    *,
    recorder: Recorder,
    checkpoints: CheckpointFolder,
    device: torch.device,
) -> SsvifModel:
    """Train fusion alone, then warm up the branches on it.

    Args:
        data: Pairs with sides of at least `stage_one_side(params)`.
        params: All parameters.
        recorder: Keeps what is logged.
        checkpoints: Where to save and resume.
        device: Where to train.

    Returns:
        The model; its branches are the teacher's.

    Raises:
        TrainingError: If there are no pairs, or a loss is not finite.
        ParamsError: If the backbone or its weights cannot be had.
    """
    seed = derive_seed(params.seed, "stage_one")
    # The initial weights; what is random later is seeded step by step.
    torch.manual_seed(seed)
    recorder.rewind(checkpoints.steps_done() - 1)
    stage, warm_up = params.stage_one, params.warm_up
    model = _prepared(build_model(params.network), params.training, device)
    shape = {"batch": stage.batch, "size": stage.crop}
    batches = _batches(data.train, params, **shape, seed=seed, device=device)
    held_out = _held_out(data.val, params, **shape, seed=seed, device=device)

    def run(name: str, objective: Objective, steps: int, first_step: int) -> None:
        phase = Phase(name, objective, steps, batches, held_out, first_step)
        train(phase, params=params.training, seed=seed, recorder=recorder, checkpoints=checkpoints)

    run("stage_one", build_fusion_objective(model.fusion, params), stage.steps, 0)
    branches = build_warm_up_objective(model, params)
    run("warm_up", branches, warm_up.steps, stage.steps)
    branches.settle(_fresh(batches, stage.steps + warm_up.steps))
    return branches.consistency.teacher.eval()


def train_stage_two(
    model: SsvifModel,
    data: TrainingData,
    params: Params,
    *,
    recorder: Recorder,
    checkpoints: CheckpointFolder,
    device: torch.device,
) -> SsvifModel:
    """Train fusion and both branches jointly.

    Args:
        model: What stage one gave; it is trained in place.
        data: Pairs with sides of at least `stage_two_side(params)`. Of those that the model
            knows, batches hold the share `stage_two.replay`.
        params: All parameters.
        recorder: Keeps what is logged.
        checkpoints: Where to save and resume.
        device: Where to train.

    Returns:
        The moving average of the model.

    Raises:
        TrainingError: If there are no pairs, or a loss is not finite.
    """
    seed = derive_seed(params.seed, "stage_two")
    recorder.rewind(checkpoints.steps_done() - 1)
    stage = params.stage_two
    model = _prepared(model, params.training, device).train().requires_grad_(requires_grad=True)
    objective = build_joint_objective(model, params)
    shape = {"batch": stage.batch, "size": stage.crop}
    replay = Replay(data.known, stage.replay) if data.known else None
    batches = _batches(data.train, params, replay, **shape, seed=seed, device=device)
    phase = Phase(
        "stage_two",
        objective,
        stage.steps,
        batches,
        _held_out(data.val, params, **shape, seed=seed, device=device),
    )
    train(phase, params=params.training, seed=seed, recorder=recorder, checkpoints=checkpoints)
    objective.settle(_fresh(batches, stage.steps))
    return objective.consistency.teacher.eval()


def _prepared(model: SsvifModel, params: TrainingParams, device: torch.device) -> SsvifModel:
    """Move a model to a device, its weights laid out as the batches are: a fifth faster."""
    for branch in (model.feature_branch, model.pixel_branch):
        branch.trunk.in_bfloat16 = params.precision == "bfloat16"
    model.to(device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    return model


def _batches(
    pairs: Sequence[Pair],
    params: Params,
    replay: Replay | None = None,
    /,
    *,
    batch: int,
    size: int,
    seed: int,
    device: torch.device,
) -> Callable[[int], Views]:
    if not pairs:
        raise TrainingError(
            "no pairs to train on: the manifest's train split is empty; "
            "add captures, or lower ingest.val_share and ingest.test_share"
        )

    def draw(step: int) -> Views:
        views = draw_views(
            pairs,
            step=step,
            batch=batch,
            size=size,
            min_overlap=params.consistency.min_overlap,
            seed=seed,
            max_reduction=params.training.max_reduction,
            replay=replay,
        )
        vis, ir = (processes.own(planes, groups=2) for planes in (views.vis, views.ir))
        return replace(views, vis=vis, ir=ir).to(device)

    return draw


def _fresh(batches: Callable[[int], Views], steps: int) -> Iterator[Views]:
    """Draw batches that follow those of training."""
    return (batches(step) for step in range(steps, steps + SETTLING_BATCHES))


def _held_out(
    pairs: Sequence[Pair],
    params: Params,
    *,
    batch: int,
    size: int,
    seed: int,
    device: torch.device,
) -> list[Views]:
    """Draw the validation batches: the same ones however long training takes."""
    if not pairs:
        return []
    seed = derive_seed(seed, "val")
    draw = _batches(pairs, params, batch=batch, size=size, seed=seed, device=device)
    return [draw(step) for step in range(VALIDATION_BATCHES)]
