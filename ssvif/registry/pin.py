"""The champion that a retraining starts from and is compared with, pinned by its hashes.

`data/champion.lock.json` holds two pins, each of which DVC follows by itself:

    start      the champion whose weights training goes on from
    champion   the champion that the challenger is compared with; it moves if another is promoted
               while the retraining runs

In a user's own tree both are null, so `dvc repro` trains from scratch. The pinned bundle lies in
`models/pinned/`, named by its hash.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ssvif.errors import ModelError
from ssvif.explain import read_json_as
from ssvif.files import write_json
from ssvif.registry.bundle import bundle_hash

LOCK = Path("data/champion.lock.json")
PINNED = Path("models/pinned")

_HASH_LENGTH = 16


class Pin(BaseModel):
    """A registered model, by what cannot change.

    Args:
        name: Name of the registered model.
        version: Its version.
        bundle: Hash of its bundle.
        weights: SHA-256 of its weights file.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    name: str
    version: int
    bundle: str
    weights: str


class ChampionLock(BaseModel):
    """The content of `data/champion.lock.json`."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    start: Pin | None = None
    champion: Pin | None = None


def read_lock(path: Path = LOCK) -> ChampionLock:
    """Read the pins; a missing file pins nothing.

    Raises:
        ModelError: If the file is not understood.
    """
    lock = read_json_as(path, ChampionLock, refusal=ModelError, remedy="`git checkout` it")
    return lock or ChampionLock()


def write_lock(lock: ChampionLock, path: Path = LOCK) -> None:
    """Write the pins.

    Raises:
        StorageError: If the file cannot be written.
    """
    write_json(path, lock.model_dump(mode="json"))


def pinned_folder(pin: Pin, root: Path = Path()) -> Path:
    """Return where the bundle of a pin belongs."""
    return root / PINNED / pin.bundle[:_HASH_LENGTH]


def pinned_bundle(
    role: Literal["start", "champion"], path: Path = LOCK, root: Path = Path()
) -> Path | None:
    """Return the folder of a pinned bundle, or None where nothing is pinned.

    Args:
        role: Which of the two pins.
        path: The lock file.
        root: The project's folder.

    Raises:
        ModelError: If the bundle is not there, or is not the one that is pinned.
    """
    lock = read_lock(path)
    pin = lock.start if role == "start" else lock.champion
    if pin is None:
        return None
    folder = pinned_folder(pin, root)
    if bundle_hash(folder) != pin.bundle:
        raise ModelError(
            f"{folder}: not the bundle of {pin.name} version {pin.version} that {path} pins; "
            "delete the folder, and run the retraining again"
        )
    return folder
