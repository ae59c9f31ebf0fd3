"""DVC stage `stage_two`: trains fusion and both segmentation branches jointly."""

from functools import partial
from pathlib import Path

from ssvif import console, processes
from ssvif.errors import ModelError
from ssvif.evaluation.schedule import draw_schedule
from ssvif.models.weights import load_model, read_network, save_model
from ssvif.params import Params, load_params
from ssvif.stages.start import find_start
from ssvif.stages.training import (
    load_training_data,
    open_checkpoints,
    training_device,
    training_processes,
)
from ssvif.tracking.run import track_stage
from ssvif.training.loop import Unrecorded
from ssvif.training.stages import stage_two_side, train_stage_two

STAGE = "stage_two"
STAGE_ONE = Path("models/stage_one.safetensors")
WEIGHTS = Path("models/stage_two.safetensors")
RECORD = Path("runs/stage_two")


def main() -> None:
    """Train as params.yaml says, in the current folder.

    Raises:
        SsvifError: If data, parameters, stage one's model or the pinned champion are not fit, or
            training fails.
    """
    params = load_params()
    _require_same_network(params)
    start = find_start(params)
    known = start.known_ids() if start else frozenset()
    with training_processes(STAGE, params):
        data = load_training_data(min_side=stage_two_side(params), known=known)
        checkpoints = open_checkpoints(STAGE, params, inputs=[STAGE_ONE])
        train = partial(
            train_stage_two,
            load_model(STAGE_ONE),
            data,
            params,
            checkpoints=checkpoints,
            device=training_device(),
        )
        if processes.rank() > 0:
            train(recorder=Unrecorded())
            return
        with track_stage(STAGE, params=params, record=RECORD, scratch=checkpoints.folder) as run:
            model = train(recorder=run)
            picture = checkpoints.folder / "dynamic_weight.png"
            draw_schedule(picture, [(row.step, row.values) for row in run.rows])
            run.add_artifact(picture)
            save_model(WEIGHTS, model, network=params.network)
        checkpoints.remove()


def _require_same_network(params: Params) -> None:
    """Refuse a stage-one model that params.yaml no longer describes."""
    stored = read_network(STAGE_ONE)
    if stored != params.network:
        raise ModelError(
            f"{STAGE_ONE}: made with other `network` parameters than params.yaml has now; "
            "run the whole pipeline with `dvc repro`"
        )


if __name__ == "__main__":
    console.run(main)
