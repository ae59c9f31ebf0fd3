"""DVC stage `stage_one`: trains fusion, then warms up the two segmentation branches.

Where a champion is pinned to start from, there is nothing to train: it is taken as it is.
"""

import logging
import shutil
from functools import partial
from pathlib import Path

from ssvif import console, processes
from ssvif.files import atomic_path
from ssvif.models.weights import save_model
from ssvif.params import Params, load_params
from ssvif.stages.start import Start, find_start
from ssvif.stages.training import (
    load_training_data,
    open_checkpoints,
    training_device,
    training_processes,
)
from ssvif.tracking.run import track_stage
from ssvif.training.loop import Unrecorded
from ssvif.training.stages import stage_one_side, train_stage_one

STAGE = "stage_one"
WEIGHTS = Path("models/stage_one.safetensors")
RECORD = Path("runs/stage_one")

_log = logging.getLogger(__name__)


def main() -> None:
    """Train as params.yaml says, in the current folder.

    Raises:
        SsvifError: If data, parameters, backbone or the pinned champion are not fit to train, or
            training fails.
    """
    params = load_params()
    start = find_start(params)
    if start is None:
        _train(params)
    else:
        _take(start, params)


def _train(params: Params) -> None:
    with training_processes(STAGE, params):
        data = load_training_data(min_side=stage_one_side(params))
        checkpoints = open_checkpoints(STAGE, params)
        train = partial(
            train_stage_one, data, params, checkpoints=checkpoints, device=training_device()
        )
        if processes.rank() > 0:
            train(recorder=Unrecorded())
            return
        with track_stage(STAGE, params=params, record=RECORD, scratch=checkpoints.folder) as run:
            model = train(recorder=run)
            save_model(WEIGHTS, model, network=params.network)
        checkpoints.remove()


def _take(start: Start, params: Params) -> None:
    with track_stage(STAGE, params=params, record=RECORD), atomic_path(WEIGHTS) as temporary:
        shutil.copyfile(start.weights, temporary)
    pin = start.pin
    _log.info("goes on from %s version %d, so there are no steps", pin.name, pin.version)


if __name__ == "__main__":
    console.run(main)
