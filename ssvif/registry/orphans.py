"""Models in the registry that lead nowhere: never finished, without their files, or old."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssvif.registry.bundle import BUNDLE_TAG
from ssvif.registry.package import BUNDLE_PARENT
from ssvif.registry.resolve import registry_errors
from ssvif.registry.versions import Registry
from ssvif.tracking.store import Store, open_client, store_lock

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

# A bundle is a few megabytes: who is still at it after an hour is dead.
_UNFINISHED_MS = 3_600_000


@dataclass(frozen=True)
class Orphans:
    """What was found, or removed.

    Args:
        models: Ids of logged models that were never finished.
        versions: Numbers of versions.
    """

    models: tuple[str, ...]
    versions: tuple[int, ...]


def remove_orphans(name: str, *, experiment: str, dry_run: bool = False) -> Orphans:
    """Remove logged models that were never finished, and versions whose files are gone.

    A version that has an alias stays, whatever it lacks: people must decide about it.

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
        versions = [
            version
            for version in registry.versions()
            if int(version.version) not in aliased and not _has_files(client, version)
        ]
        owned = {version.model_id for version in registry.versions()}
        models = [model_id for model_id in _unfinished(client, store) if model_id not in owned]
        if not dry_run:
            for version in versions:
                _delete(client, version)
            for model_id in models:
                client.delete_logged_model(model_id)
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


def _has_files(client: "MlflowClient", version: "ModelVersion") -> bool:
    from mlflow.artifacts import list_artifacts
    from mlflow.exceptions import MlflowException

    source = client.get_model_version_download_uri(version.name, version.version)
    try:
        return bool(list_artifacts(artifact_uri=f"{source}/{BUNDLE_PARENT}"))
    except MlflowException as error:
        # Only an answer counts: a store that cannot be reached has said nothing.
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return False
        raise


def _unfinished(client: "MlflowClient", store: Store) -> list[str]:
    before = time.time_ns() // 1_000_000 - _UNFINISHED_MS
    found = client.search_logged_models(
        [store.experiment_id], filter_string="status = 'PENDING'", max_results=100
    )
    return [model.model_id for model in found if model.creation_timestamp < before]


def _delete(client: "MlflowClient", version: "ModelVersion") -> None:
    client.delete_model_version(version.name, version.version)
    if version.model_id:
        client.delete_logged_model(version.model_id)
