"""Checkpoints of a running stage: written whole, read without pickle's code execution.

What is random in a step is a function of (seed, stage, step), so a checkpoint needs neither
random states nor a sampler: on the CPU a resumed run ends with the weights of an undisturbed one,
on a GPU up to the rounding of operators that add in no fixed order.
"""

import io
import pickle  # noqa: TID251 - for the name of the error that weights_only raises
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ssvif.errors import CheckpointError
from ssvif.files import atomic_path

FORMAT_VERSION = 1
_FILE_NAME = "last.pt"
# What comes of a file that is damaged, or holds something else.
_UNREADABLE = (
    *(OSError, EOFError, RuntimeError, pickle.UnpicklingError),
    *(AttributeError, KeyError, TypeError),
)


@dataclass(frozen=True)
class Checkpoint:
    """All that a stage needs to go on.

    Args:
        phase: Name of the phase that was running.
        first_step: Step of the stage at which that phase began.
        step: Steps of the phase that are done.
        objective: State of the model, teacher, queues and dynamic weight.
        optimizer: State of the optimiser.
        scheduler: State of the learning rate's schedule.
        format_version: Version of this layout.
    """

    phase: str
    first_step: int
    step: int
    objective: dict[str, Any]
    optimizer: dict[str, Any]
    scheduler: dict[str, Any]
    format_version: int = FORMAT_VERSION


class CheckpointFolder:
    """A folder of its own for each configuration, outside the pipeline's outputs.

    Args:
        folder: Such as `checkpoints/STAGE-HASH`, HASH being of all that the result depends on.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, checkpoint: Checkpoint) -> None:
        """Replace the last checkpoint.

        Raises:
            StorageError: If it cannot be written; the last one is still there.
        """
        # Through a buffer: torch reports a full disk as a fault of its own.
        buffer = io.BytesIO()
        torch.save(asdict(checkpoint), buffer)
        with atomic_path(self.folder / _FILE_NAME) as temporary:
            temporary.write_bytes(buffer.getbuffer())

    def load(self) -> Checkpoint | None:
        """Return the last checkpoint, or None where there is none.

        Raises:
            CheckpointError: If the file is damaged or of another version.
        """
        path = self.folder / _FILE_NAME
        if not path.is_file():
            return None
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
            version = content.pop("format_version")
            if version == FORMAT_VERSION:
                return Checkpoint(**content)
        except _UNREADABLE as e:
            raise CheckpointError(
                f"{path}: not a readable checkpoint ({e}); delete it to start this stage anew"
            ) from e
        raise CheckpointError(
            f"{path}: expected format version {FORMAT_VERSION}, found {version}; "
            "delete it to start this stage anew"
        )

    def steps_done(self) -> int:
        """Return how many steps of the stage the last checkpoint holds, over all phases.

        Raises:
            CheckpointError: If the file is damaged or of another version.
        """
        checkpoint = self.load()
        return 0 if checkpoint is None else checkpoint.first_step + checkpoint.step

    def remove(self) -> None:
        """Delete the folder, once the stage's outputs are written, and those of older tries."""
        stage = self.folder.name.rpartition("-")[0]
        for folder in self.folder.parent.glob(f"{stage}-*"):
            shutil.rmtree(folder, ignore_errors=True)
