"""Registers a bundle in MLflow's model registry: once, as `challenger`; the first good one leads.

A bundle is known by its hash, so registering it again changes nothing.
"""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ssvif.errors import ModelError
from ssvif.files import atomic_folder, sha256_folder
from ssvif.registry.bundle import bundle_hash
from ssvif.registry.floors import Verdict
from ssvif.registry.glance import glance
from ssvif.registry.package import save_package
from ssvif.registry.resolve import download_bundle, registry_errors
from ssvif.tracking.push import push_records
from ssvif.tracking.store import Store, open_client, store_lock

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHALLENGER = "challenger"
CHAMPION = "champion"
BUNDLE_TAG = "ssvif.bundle"
FLOORS_TAG = "ssvif.floors"

# The record of the stage that wrote the weights.
TRAINING_RECORD = "stage_two"


@dataclass(frozen=True)
class Registration:
    """Where a bundle stands in the registry.

    Args:
        version: Its version of the registered model.
        created: Whether it was made just now.
        champion: Version of the champion, or None.
    """

    version: int
    created: bool
    champion: int | None


class Registry:
    """One registered model.

    Args:
        client: See `ssvif.tracking.store.open_client`.
        name: Name of the registered model; it need not be there yet.
    """

    def __init__(self, client: "MlflowClient", name: str) -> None:
        self._client = client
        self._name = name

    def find(self, bundle: str) -> int | None:
        """Return the version that holds a bundle, by the bundle's hash."""
        query = f"name = '{self._name}' and tags.`{BUNDLE_TAG}` = '{bundle}'"
        versions = [int(found.version) for found in self._client.search_model_versions(query)]
        return min(versions, default=None)

    def aliases(self) -> dict[str, int]:
        """Return versions by alias; empty where the model is not registered at all."""
        # A search, for asking by name raises where there is none.
        found = self._client.search_registered_models(f"name = '{self._name}'")
        return {alias: int(number) for alias, number in found[0].aliases.items()} if found else {}

    def add(
        self, bundle: Path, *, experiment_id: str, run_id: str | None, tags: Mapping[str, str]
    ) -> int:
        """Store a bundle as a new version; on failure nothing of it is left.

        Args:
            bundle: The bundle.
            experiment_id: Where its logged model is kept.
            run_id: The run that trained it, where the store has it.
            tags: Tags of the version.

        Returns:
            The version.
        """
        model = self._client.create_logged_model(
            experiment_id, name=self._name, source_run_id=run_id, tags=dict(tags)
        )
        try:
            with tempfile.TemporaryDirectory() as scratch:
                package = Path(scratch, "model")
                save_package(package, bundle, model_id=model.model_id, run_id=run_id)
                self._client.log_model_artifacts(model.model_id, str(package))
            self._client.finalize_logged_model(model.model_id, "READY")
            if not self._client.search_registered_models(f"name = '{self._name}'"):
                self._client.create_registered_model(self._name)
            version = self._client.create_model_version(
                self._name,
                source=f"models:/{model.model_id}",
                run_id=run_id,
                tags=dict(tags),
                model_id=model.model_id,
            )
        except BaseException:
            self._client.delete_logged_model(model.model_id)
            raise
        return int(version.version)

    def point(self, version: int, *, may_lead: bool) -> int | None:
        """Make a version the challenger, and the champion if there is none and it may lead.

        Returns:
            Version of the champion, or None.
        """
        aliases = self.aliases()
        if aliases.get(CHALLENGER) != version:
            self._client.set_registered_model_alias(self._name, CHALLENGER, str(version))
        if CHAMPION not in aliases and may_lead:
            self._client.set_registered_model_alias(self._name, CHAMPION, str(version))
            return version
        return aliases.get(CHAMPION)

    def bundle_of(self, version: int) -> str | None:
        """Return the hash of a version's bundle."""
        tag: str | None = self._client.get_model_version(self._name, str(version)).tags.get(
            BUNDLE_TAG
        )
        return tag


def register_bundle(
    bundle: Path,
    *,
    name: str,
    experiment: str,
    runs: Path,
    verdict: Verdict,
    champion_folder: Path,
) -> Registration:
    """Register a bundle, unless the registry has it, and keep the champion at hand.

    Args:
        bundle: A model bundle.
        name: Name of the registered model.
        experiment: The MLflow experiment that holds the runs.
        runs: Folder of run records; what the store lacks of them is pushed.
        verdict: Whether the model may become the first champion.
        champion_folder: Where the champion's bundle is kept for those who fuse.

    Raises:
        ModelError: If the bundle is not whole.
        RegistryError: If the registry cannot be reached or refuses.
    """
    digest = bundle_hash(bundle)
    settled = _settled(name, digest, verdict, champion_folder)
    if settled is not None:
        return settled
    with registry_errors(), store_lock("registry"):
        client = open_client()
        registry = Registry(client, name)
        version = registry.find(digest)
        created = version is None
        if version is None:
            push_records(runs, experiment=experiment)
            store = Store(client, experiment)
            tags = {
                BUNDLE_TAG: digest,
                FLOORS_TAG: "passed" if verdict.passed else "missed",
                **{f"ssvif.floor.{check.name}": f"{check.value:.6g}" for check in verdict.checks},
            }
            version = registry.add(
                bundle,
                experiment_id=store.experiment_id,
                run_id=store.find_record(sha256_folder(runs / TRAINING_RECORD)),
                tags=tags,
            )
        champion = registry.point(version, may_lead=verdict.passed)
        if champion is not None:
            _keep_champion(registry, name, champion, bundle=bundle, folder=champion_folder)
    return Registration(version=version, created=created, champion=champion)


def _settled(
    name: str, digest: str, verdict: Verdict, champion_folder: Path
) -> Registration | None:
    """Return where a bundle stands if a quick look shows that there is nothing to do."""
    seen = glance(name, bundle_tag=BUNDLE_TAG)
    version = seen.bundles.get(digest) if seen else None
    if seen is None or version is None or seen.aliases.get(CHALLENGER) != version:
        return None
    champion = seen.aliases.get(CHAMPION)
    if champion is None:
        may_lead = verdict.passed
        return None if may_lead else Registration(version=version, created=False, champion=None)
    at_hand = seen.bundles.get(_digest(champion_folder) or "")
    if at_hand != champion:
        return None
    return Registration(version=version, created=False, champion=champion)


def _keep_champion(
    registry: Registry, name: str, version: int, *, bundle: Path, folder: Path
) -> None:
    """Bring the champion's bundle to `folder`, unless it is there."""
    wanted = registry.bundle_of(version)
    if _digest(folder) == wanted:
        return
    if _digest(bundle) == wanted:
        with atomic_folder(folder) as new:
            shutil.copytree(bundle, new, dirs_exist_ok=True)
    else:
        download_bundle(name, version, folder)


def _digest(folder: Path) -> str | None:
    try:
        return bundle_hash(folder)
    except ModelError:
        return None
