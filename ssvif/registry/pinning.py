"""The champion pinned for a retraining, and brought in line on this machine."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ssvif.files import atomic_folder, sha256_file
from ssvif.fuse.places import WEIGHTS_NAME
from ssvif.registry.at_hand import digest_of
from ssvif.registry.bundle import bundle_hash
from ssvif.registry.change import opened_registry, settle
from ssvif.registry.pin import LOCK, Pin, pinned_folder, read_lock, write_lock

Role = Literal["start", "champion"]


def pin_champion(
    *,
    name: str,
    experiment: str,
    champion_folder: Path,
    root: Path,
    roles: Sequence[Role] = ("start", "champion"),
) -> Pin | None:
    """Pin the champion in a retraining's workspace: its bundle, and its hashes in the lock file.

    Args:
        name: Name of the registered model.
        experiment: The MLflow experiment that holds the runs.
        champion_folder: The project's champion at hand; it is brought in line with the registry,
            and a registry that is new or lost takes it over first.
        root: The workspace; its `data/champion.lock.json` is written.
        roles: What the champion is pinned as; the other role keeps its pin.

    Returns:
        The pin, or None where nobody leads; the roles are null then.

    Raises:
        RegistryError: If the registry cannot be reached.
        StorageError: If the workspace cannot be written.
    """
    with opened_registry(name, experiment) as (registry, store):
        version = settle(registry, store, champion_folder=champion_folder)
        # Under the lock still: a promotion would put another bundle there.
        pin = None if version is None else _pin(name, version, champion_folder)
        if pin is not None and digest_of(target := pinned_folder(pin, root)) != pin.bundle:
            with atomic_folder(target) as new:
                shutil.copytree(champion_folder, new, dirs_exist_ok=True)
    lock = read_lock(root / LOCK).model_copy(update=dict.fromkeys(roles, pin))
    write_lock(lock, root / LOCK)
    return pin


def sync_champion(*, name: str, experiment: str, champion_folder: Path) -> int | None:
    """Bring the champion at hand in line with the registry, and complete what a kill interrupted.

    Returns:
        Version of the champion, or None where nobody leads.

    Raises:
        RegistryError: If the registry cannot be reached.
        StorageError: If the champion's folder cannot be written.
    """
    with opened_registry(name, experiment) as (registry, store):
        return settle(registry, store, champion_folder=champion_folder)


def _pin(name: str, version: int, bundle: Path) -> Pin:
    weights = sha256_file(bundle / WEIGHTS_NAME)
    return Pin(name=name, version=version, bundle=bundle_hash(bundle), weights=weights)
