"""Models in the registry that lead nowhere: no version, no files, or too old."""

import re
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssvif.registry.bundle import BUNDLE_TAG
from ssvif.registry.events import end_events
from ssvif.registry.resolve import find_place, passing_over_gone, registry_errors
from ssvif.registry.versions import Registry
from ssvif.tracking.store import Store, open_client, store_lock

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

# A bundle is a few megabytes: who is still at it after an hour is dead.
_UNFINISHED_MS = 3_600_000
_LOGGED_MODEL = re.compile(r"models:/(m-\w+)")


@dataclass(frozen=True)
class Orphans:
    """What was found, or removed.

    Args:
        models: Ids of logged models that no version holds.
        versions: Numbers of versions.
    """

    models: tuple[str, ...]
    versions: tuple[int, ...]


def remove_orphans(name: str, *, experiment: str, dry_run: bool = False) -> Orphans:
    """Remove logged models that never became a version, and versions whose files are gone.

    A version that has an alias stays, whatever it lacks: people must decide about it. So do all,
    where none of them has files. Events that a kill left half written are marked as killed.

    Args:
        name: Name of the registered model.
        experiment: The MLflow experiment that holds the logged models.
        dry_run: Only look.

    Returns:
        What was found.

    Raises:
        RegistryError: If the registry cannot be reached.
    """
    with registry_errors(), store_lock("registry"):
        client = open_client()
        registry = Registry(client, name)
        store = Store(client, experiment)
        aliased = set(registry.aliases().values())
        every = registry.versions()
        empty = [v for v in every if find_place(client, name, int(v.version)) is None]
        # Where all files are gone at once, it is their place that is out of reach.
        lost = empty if len(empty) < len(every) else []
        versions = [version for version in lost if int(version.version) not in aliased]
        models = _unheld(client, registry, store.experiment_id)
        if not dry_run:
            end_events(store)
            for version in versions:
                _delete(client, version)
            for model_id in models:
                _delete_model(client, model_id)
    return Orphans(tuple(models), tuple(sorted(int(version.version) for version in versions)))


def remove_old_versions(
    name: str, *, keep: int, needed: Collection[str], dry_run: bool = False
) -> list[str]:
    """Delete the oldest versions of a model, with their files.

    Args:
        name: Name of the registered model.
        keep: How many of the newest versions stay in any case.
        needed: Hashes of bundles that stay; whatever has an alias stays as well.
        dry_run: Only look.

    Returns:
        Hashes of the bundles of the versions that went.

    Raises:
        RegistryError: If the registry cannot be reached.
    """
    with registry_errors(), store_lock("registry"):
        client = open_client()
        registry = Registry(client, name)
        aliased = set(registry.aliases().values())
        old = [
            version
            for version in registry.versions()[keep:]
            if int(version.version) not in aliased and version.tags.get(BUNDLE_TAG) not in needed
        ]
        if not dry_run:
            for version in old:
                _delete_files(client, version)
                _delete(client, version)
    return [version.tags.get(BUNDLE_TAG, "") for version in old]


def aliased_bundles(name: str) -> dict[str, str]:
    """Return the bundles that an alias such as `champion` points to, by alias.

    Raises:
        RegistryError: If the registry cannot be reached.
    """
    with registry_errors():
        registry = Registry(open_client(), name)
        found = {alias: registry.bundle_of(number) for alias, number in registry.aliases().items()}
    return {alias: digest for alias, digest in found.items() if digest is not None}


def _unheld(client: "MlflowClient", registry: Registry, experiment_id: str) -> list[str]:
    """Return the logged models of a name that no version holds, and that nobody is at."""
    before = time.time_ns() // 1_000_000 - _UNFINISHED_MS
    held = {_model_id(version) for version in registry.versions()}
    found: list[str] = []
    token = None
    while True:
        page = client.search_logged_models([experiment_id], page_token=token)
        found += [
            model.model_id
            for model in page
            if model.name == registry.name
            and model.model_id not in held
            and model.creation_timestamp < before
        ]
        token = page.token
        if not token:
            return found


def _model_id(version: "ModelVersion") -> str | None:
    """Return the logged model that a version holds; its own field is empty in a list."""
    found = _LOGGED_MODEL.fullmatch(str(version.source or ""))
    return found[1] if found else None


def _delete(client: "MlflowClient", version: "ModelVersion") -> None:
    client.delete_model_version(version.name, version.version)
    if (model_id := _model_id(version)) is not None:
        _delete_model(client, model_id)


def _delete_model(client: "MlflowClient", model_id: str) -> None:
    with passing_over_gone():  # somebody may have deleted it on MLflow's page
        client.delete_logged_model(model_id)


def _delete_files(client: "MlflowClient", version: "ModelVersion") -> None:
    """Delete a version's files: MLflow itself only hides what is deleted."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    # Where it holds no logged model, its files are another's. The version knows their place also
    # where somebody has deleted its logged model.
    if _model_id(version) is not None:
        place = client.get_model_version_download_uri(version.name, version.version)
        get_artifact_repository(place).delete_artifacts()
