"""One registered model: its versions, and the aliases that say which challenges and which leads.

Only the first champion is chosen here; that there has been one is kept as a tag, so that an alias
which somebody takes away by hand stays away.
"""

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ssvif.registry.bundle import BUNDLE_TAG
from ssvif.registry.package import save_package

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import RegisteredModel

CHALLENGER = "challenger"
CHAMPION = "champion"

# On the registered model: it has, or has had, a champion.
LED_TAG = "ssvif.had_champion"


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

    def point(self, version: int, *, may_lead: bool) -> int | None:
        """Make a version the challenger, and the champion if none ever led and it may lead.

        Returns:
            Version of the champion, or None.
        """
        aliases = self.aliases()
        if aliases.get(CHALLENGER) != version:
            self._client.set_registered_model_alias(self._name, CHALLENGER, str(version))
        champion = aliases.get(CHAMPION)
        if champion is not None:
            # One that was made champion by hand counts as well.
            self._client.set_registered_model_tag(self._name, LED_TAG, "true")
        elif may_lead and not self.has_led():
            self.lead(version)
            champion = version
        return champion

    def lead(self, version: int) -> None:
        """Make a version the champion."""
        self._client.set_registered_model_tag(self._name, LED_TAG, "true")
        self._client.set_registered_model_alias(self._name, CHAMPION, str(version))

    def bundle_of(self, version: int) -> str | None:
        """Return the hash of a version's bundle."""
        found = self._client.get_model_version(self._name, str(version))
        tag: str | None = found.tags.get(BUNDLE_TAG)
        return tag

    def _model(self) -> "RegisteredModel | None":
        # A search, for asking by name raises where there is none.
        found = self._client.search_registered_models(f"name = '{self._name}'")
        return found[0] if found else None
