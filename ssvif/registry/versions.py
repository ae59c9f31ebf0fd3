"""One registered model: its versions, and the aliases that say which challenges and which leads.

Only the first champion is chosen here; that there has been one is kept as a tag, so that an alias
which somebody takes away by hand stays away. Later ones: `ssvif.registry.promotion`.
"""

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ssvif.errors import RegistryError
from ssvif.registry.bundle import BUNDLE_TAG, WEIGHTS_TAG
from ssvif.registry.package import save_package

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

CHALLENGER = "challenger"
CHAMPION = "champion"
PREVIOUS = "previous"

# On the registered model: it has, or has had, a champion.
LED_TAG = "ssvif.had_champion"
# On the registered model: a change of champion that is under way, as JSON.
CHANGE_TAG = "ssvif.change_under_way"


class Registry:
    """One registered model.

    Args:
        client: See `ssvif.tracking.store.open_client`.
        name: Name of the registered model; it need not be there yet.
    """

    def __init__(self, client: "MlflowClient", name: str) -> None:
        self._client = client
        self._name = name

    @property
    def name(self) -> str:
        """Name of the registered model."""
        return self._name

    def find(self, bundle: str) -> int | None:
        """Return the version that holds a bundle, by the bundle's hash."""
        return min(self._with_tag(BUNDLE_TAG, bundle), default=None)

    def find_weights(self, weights: str) -> list[int]:
        """Return the versions that hold a weights file, by its SHA-256, in order."""
        return sorted(self._with_tag(WEIGHTS_TAG, weights))

    def versions(self) -> "list[ModelVersion]":
        """Return every version, the newest first; their aliases are not filled in."""
        found = self._client.search_model_versions(f"name = '{self._name}'")
        return sorted(found, key=lambda version: int(version.version), reverse=True)

    def version(self, number: int) -> "ModelVersion":
        """Return one version.

        Raises:
            RegistryError: If there is none of this number.
        """
        found = [version for version in self.versions() if int(version.version) == number]
        if not found:
            raise RegistryError(
                f"{self._name} has no version {number}; `ssvif history` and MLflow's page of the "
                "model list those it has"
            )
        return found[0]

    def number(self, version: int | Literal["challenger"]) -> int:
        """Return the number of a version that is there, or of the challenger.

        Raises:
            RegistryError: If there is none.
        """
        if version != CHALLENGER:
            return int(self.version(int(version)).version)
        found = self.aliases().get(CHALLENGER)
        if found is None:
            raise RegistryError(f"{self._name} has no challenger; train one with `make repro`")
        return found

    def aliases(self) -> dict[str, int]:
        """Return versions by alias; empty where the model is not registered at all."""
        model = self._model()
        return {alias: int(number) for alias, number in model.aliases.items()} if model else {}

    def has_led(self) -> bool:
        """Whether any version is or was the champion."""
        model = self._model()
        return model is not None and (CHAMPION in model.aliases or LED_TAG in model.tags)

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
            if self._model() is None:
                self._client.create_registered_model(self._name)
            version = self._client.create_model_version(
                self._name,
                source=f"models:/{model.model_id}",
                run_id=run_id,
                tags=dict(tags),
                model_id=model.model_id,
            )
        except BaseException:
            # A registry that is gone cannot be cleaned up, and the first error says why.
            with suppress(Exception):
                self._client.delete_logged_model(model.model_id)
            raise
        return int(version.version)

    def challenge(self, version: int) -> int | None:
        """Make a version the challenger.

        Returns:
            Version of the champion, or None.
        """
        aliases = self.aliases()
        if aliases.get(CHALLENGER) != version:
            self.point_alias(CHALLENGER, version)
        if CHAMPION in aliases:
            # One that was made champion by hand counts as well.
            self._client.set_registered_model_tag(self._name, LED_TAG, "true")
        return aliases.get(CHAMPION)

    def lead(self, version: int) -> None:
        """Make a version the champion."""
        self._client.set_registered_model_tag(self._name, LED_TAG, "true")
        self.point_alias(CHAMPION, version)

    def point_alias(self, alias: str, version: int) -> None:
        """Point an alias to a version."""
        self._client.set_registered_model_alias(self._name, alias, str(version))

    def tag(self, version: int, tags: Mapping[str, str | None]) -> None:
        """Set tags of a version; None takes one away."""
        had = self._client.get_model_version(self._name, str(version)).tags
        for key, value in tags.items():
            if value is not None:
                self._client.set_model_version_tag(self._name, str(version), key, value)
            elif key in had:
                self._client.delete_model_version_tag(self._name, str(version), key)

    def describe(self, text: str, *, version: int | None = None) -> None:
        """Set the description of a version, or of the model itself, in Markdown."""
        if version is None:
            self._client.update_registered_model(self._name, description=text)
        else:
            self._client.update_model_version(self._name, str(version), description=text)

    def change_under_way(self) -> str | None:
        """Return what `announce_change` left, or None."""
        model = self._model()
        return model.tags.get(CHANGE_TAG) if model else None

    def announce_change(self, change: str | None) -> None:
        """Keep a change of champion before it is made; None once it is complete."""
        if change is not None:
            self._client.set_registered_model_tag(self._name, CHANGE_TAG, change)
        elif self.change_under_way() is not None:
            self._client.delete_registered_model_tag(self._name, CHANGE_TAG)

    def bundle_of(self, version: int) -> str | None:
        """Return the hash of a version's bundle."""
        found = self._client.get_model_version(self._name, str(version))
        tag: str | None = found.tags.get(BUNDLE_TAG)
        return tag

    def _with_tag(self, key: str, value: str) -> list[int]:
        query = f"name = '{self._name}' and tags.`{key}` = '{value}'"
        return [int(found.version) for found in self._client.search_model_versions(query)]

    def _model(self) -> "RegisteredModel | None":
        # A search, for asking by name raises where there is none.
        found = self._client.search_registered_models(f"name = '{self._name}'")
        return found[0] if found else None
