"""What the two training stages share: their data, and the hash of all that decides the result."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from ssvif import processes
from ssvif.data.manifest import MANIFEST_FILE, PAIRS_FOLDER, read_manifest
from ssvif.data.views import load_pairs
from ssvif.errors import ParamsError, TrainingError
from ssvif.files import sha256_file, sha256_json
from ssvif.params import Params
from ssvif.registry.pin import read_lock
from ssvif.training.checkpoint import CheckpointFolder
from ssvif.training.stages import TrainingData

CHECKPOINTS = Path("checkpoints")

_PACKAGE = Path(__file__).parents[1]
# The code that decides what training makes.
_CODE = (
    "losses/*.py",
    "models/*.py",
    "training/*.py",
    "data/images.py",
    "data/scenes.py",
    "data/views.py",
    "ops.py",
    "processes.py",
    "seeding.py",
)

# Two crops of a batch should not always come from one scene.
MIN_TRAIN_PAIRS = 8

_log = logging.getLogger(__name__)


def load_training_data(*, min_side: int, known: frozenset[str] = frozenset()) -> TrainingData:
    """Read the manifest's train and val pairs into memory; labels stay unread.

    Args:
        min_side: The least side that training needs; smaller pairs are enlarged.
        known: Ids of the pairs that the model to be trained learnt from before.

    Raises:
        ManifestError: If the manifest is missing or damaged.
        TrainingError: If there are too few pairs, or none but those to train on.
        ImageError: If a pair's file is missing or damaged.
    """
    manifest = read_manifest(MANIFEST_FILE)
    ids = {split: list(rows["id"]) for split, rows in manifest.groupby("split")}
    train = ids.get("train", [])
    if len(train) < MIN_TRAIN_PAIRS:
        raise TrainingError(
            f"expected at least {MIN_TRAIN_PAIRS} pairs to train on, found {len(train)} of "
            f"{len(manifest)}; add captures (`ssvif captures add`), or lower ingest.val_share and "
            "ingest.test_share where they hold pairs"
        )
    if not ids.keys() & {"val", "test"}:
        raise TrainingError(
            f"all {len(train)} pairs are to train on, and none is left to judge the model by; add "
            "captures of other scenes, or lower ingest.block_size (neighbours of a block stay "
            "together, and the first block trains)"
        )
    known_indices = frozenset(index for index, name in enumerate(train) if name in known)
    if known:
        counts = (len(known_indices), len(train) - len(known_indices))
        _log.info("of the pairs to train on the pinned champion knows %d, and %d are new", *counts)
    return TrainingData(
        train=load_pairs(PAIRS_FOLDER, train, min_side=min_side),
        val=load_pairs(PAIRS_FOLDER, ids.get("val", []), min_side=min_side),
        known=known_indices,
    )


def open_checkpoints(
    stage: str, params: Params, *, inputs: Sequence[Path] = ()
) -> CheckpointFolder:
    """Return the checkpoint folder of a stage under these parameters, inputs and pinned start.

    Args:
        stage: Name of the DVC stage.
        params: All parameters; those of data and of reporting do not count.
        inputs: Files beside the manifest that the result depends on.

    Raises:
        ModelError: If the pins are not understood.
    """
    sections = params.model_dump(
        mode="json",
        exclude={
            *("sample", "ingest", "evaluate", "probes", "stress", "register_"),
            *("gate", "drift", "retraining", "tracking"),
        },
    )
    # The pin of a champion stands for its weights, and for the pairs that are replayed.
    start = read_lock().model_dump(mode="json")["start"]
    # A resumed run must not go on with other code than it began with.
    hashes = [sha256_file(path) for path in (MANIFEST_FILE, *inputs, *training_code())]
    digest = sha256_json([torch.__version__, stage, sections, start, hashes])
    return CheckpointFolder(CHECKPOINTS / f"{stage}-{digest[:16]}")


@contextmanager
def training_processes(stage: str, params: Params) -> Iterator[None]:
    """Train together with the processes that torchrun started, or become as many as are wanted.

    Args:
        stage: Name of the DVC stage.
        params: All parameters.

    Raises:
        ParamsError: If they cannot share a batch.
    """
    with processes.joined():
        number = processes.count() if processes.is_launched() else params.training.processes
        for name in ("stage_one", "stage_two"):
            batch = getattr(params, name).batch
            if batch % number:
                raise ParamsError(
                    f"{name}.batch: expected a multiple of {number} processes "
                    f"(training.processes), found {batch}"
                )
        if number > 1 and not processes.is_launched():
            processes.launch(f"ssvif.stages.{stage}", processes=number)
        yield


def training_code() -> list[Path]:
    """Return the files of the code that decides what training makes."""
    return [file for pattern in _CODE for file in sorted(_PACKAGE.glob(pattern))]


def training_device() -> torch.device:
    """Return the GPU where each process of the machine has one, else the CPU."""
    return torch.device("cuda" if processes.have_gpus() else "cpu")
