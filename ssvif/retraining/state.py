"""What is written down of a retraining beside its worktree: `.retrain/ID.json`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from ssvif.errors import RetrainingError
from ssvif.explain import read_json_as
from ssvif.files import write_json
from ssvif.retraining.identity import Inputs
from ssvif.tracking.process import process_tag

HOME = Path(".retrain")


class State(BaseModel):
    """A retraining that was begun and is not cleaned up.

    Args:
        id: Its name.
        commit: The commit that it is of.
        captures: Fingerprint of the inbox.
        champion: Hash of the champion's bundle that it began with, or None.
        overrides: Parameters that it changes.
        attempt: How many of the same inputs were recorded before.
        golden: Hash of what `data/golden.json` says, or None.
        process: The process at work on it, or the last that was.
        started: When it began, UTC.
        ready: Whether its worktree is complete.
        pinned: Whether the champion is pinned in it.
        challenger: Hash of the bundle that it made, once there is one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    commit: str
    captures: str
    champion: str | None
    overrides: dict[str, Any]
    attempt: int
    golden: str | None = None
    process: str
    started: datetime
    ready: bool = False
    pinned: bool = False
    challenger: str | None = None

    @property
    def pid(self) -> str:
        """Number of the process, for people."""
        return self.process.split(":")[1] if self.process.count(":") > 1 else "unknown"

    def is_of(self, inputs: Inputs) -> bool:
        """Whether it has these inputs, or had them until its own model became champion."""
        same = (self.commit, self.captures, self.overrides, self.attempt, self.golden) == (
            *(inputs.commit, inputs.captures, dict(inputs.overrides), inputs.attempt),
            inputs.golden,
        )
        own = inputs.champion is not None and self.challenger == inputs.champion
        return same and (self.champion == inputs.champion or own)


def new_state(inputs: Inputs) -> State:
    """Return the state of a retraining that this process begins."""
    return State(
        id=inputs.id,
        commit=inputs.commit,
        captures=inputs.captures,
        champion=inputs.champion,
        overrides=dict(inputs.overrides),
        attempt=inputs.attempt,
        golden=inputs.golden,
        process=process_tag(),
        started=datetime.now(UTC),
    )


def state_path(project: Path, retraining: str) -> Path:
    """Return where a retraining's state is kept."""
    return project / HOME / f"{retraining}.json"


def lock_path(project: Path, retraining: str) -> Path:
    """Return the lock that the process at work holds."""
    return project / HOME / f"{retraining}.lock"


def write_state(project: Path, state: State) -> None:
    """Write a state.

    Raises:
        StorageError: If it cannot be written.
    """
    write_json(state_path(project, state.id), state.model_dump(mode="json"))


def read_state(project: Path, retraining: str) -> State | None:
    """Read a state, or return None where there is none.

    Raises:
        RetrainingError: If the file is not understood.
    """
    return read_json_as(
        state_path(project, retraining),
        State,
        refusal=RetrainingError,
        remedy="delete it, and the retraining begins anew",
    )


def begun_retrainings(project: Path) -> list[str]:
    """Return the names of the retrainings that something is written down of."""
    # What begins with a dot is a state that is being written, or that a kill left half written.
    return sorted(path.stem for path in (project / HOME).glob("[!.]*.json"))


def open_states(project: Path) -> list[State]:
    """Return the states of all retrainings that are not cleaned up, the oldest first.

    Raises:
        RetrainingError: If a file is not understood.
    """
    names = begun_retrainings(project)
    found = [state for name in names if (state := read_state(project, name)) is not None]
    return sorted(found, key=lambda state: (state.started, state.id))
