"""DVC stage `stage_one`: trains fusion, then warms up the two segmentation branches."""

from pathlib import Path

from ssvif import console
from ssvif.models.weights import save_model
from ssvif.params import load_params
from ssvif.stages.training import load_training_data, open_checkpoints, training_device
from ssvif.tracking.run import track_stage
from ssvif.training.stages import stage_one_side, train_stage_one

STAGE = "stage_one"
WEIGHTS = Path("models/stage_one.safetensors")
RECORD = Path("runs/stage_one")


def main() -> None:
    """Train as params.yaml says, in the current folder.

    Raises:
        SsvifError: If data, parameters or backbone are not fit to train, or training fails.
    """
    params = load_params()
    data = load_training_data(min_side=stage_one_side(params))
    checkpoints = open_checkpoints(STAGE, params)
    with track_stage(STAGE, params=params, record=RECORD, scratch=checkpoints.folder) as run:
        model = train_stage_one(
            data, params, recorder=run, checkpoints=checkpoints, device=training_device()
        )
        save_model(WEIGHTS, model, network=params.network)
    checkpoints.remove()


if __name__ == "__main__":
    console.run(main)
