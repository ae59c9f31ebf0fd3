"""Who leads and since when, and how it came to that."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ssvif.files import sha256_file
from ssvif.fuse.places import WEIGHTS_NAME
from ssvif.registry.bundle import METRICS, bundle_hash, read_json
from ssvif.registry.change import opened_registry, settle
from ssvif.registry.describe import (
    LED_SINCE_TAG,
    PROMOTED_BY_TAG,
    REASON_TAG,
    ROLLED_BACK_TAG,
    leads_by_hand,
)
from ssvif.registry.events import Event, list_events
from ssvif.registry.resolve import registry_errors
from ssvif.registry.versions import CHALLENGER, PREVIOUS
from ssvif.tracking.store import Store, open_client


@dataclass(frozen=True)
class Standing:
    """The champion, and who stands beside it.

    Args:
        name: Name of the registered model.
        version: The champion.
        since: When it came to lead, in UTC, or None where it was made champion by hand.
        by: Who made it lead, or None likewise.
        reason: Why, or None likewise.
        scores: Its means over the pairs of its evaluation, by metric.
        folder: Where its bundle is at hand.
        bundle: Hash of its bundle.
        weights: SHA-256 of its weights file.
        previous: The version that led before, or None.
        previous_rolled_back: When and why that one was rolled back, or None if it was not.
        challenger: The newest version, or None.
    """

    name: str
    version: int
    since: str | None
    by: str | None
    reason: str | None
    scores: Mapping[str, float]
    folder: Path
    bundle: str
    weights: str
    previous: int | None
    previous_rolled_back: str | None
    challenger: int | None

    def as_dict(self) -> dict[str, Any]:
        """Return the same as JSON."""
        return {**asdict(self), "folder": str(self.folder)}


def standing(*, name: str, experiment: str, champion_folder: Path) -> Standing | None:
    """Return who leads, or None; the champion at hand is brought in line with it.

    Args:
        name: Name of the registered model.
        experiment: The MLflow experiment that holds the runs.
        champion_folder: Where the champion's bundle is kept for those who fuse.

    Raises:
        RegistryError: If the registry cannot be reached.
        StorageError: If the champion's folder cannot be written.
    """
    with opened_registry(name, experiment) as (registry, store):
        version = settle(registry, store, champion_folder=champion_folder)
        if version is None:
            return None
        tags, aliases = registry.version(version).tags, registry.aliases()
        previous = aliases.get(PREVIOUS)
        behind = {} if previous is None else registry.version(previous).tags
        told = {} if leads_by_hand(tags) else tags  # what it once led by is past
        return Standing(
            name=name,
            version=version,
            since=told.get(LED_SINCE_TAG),
            by=told.get(PROMOTED_BY_TAG),
            reason=told.get(REASON_TAG),
            scores=read_json(champion_folder / METRICS).get("stage_two", {}),
            folder=champion_folder,
            bundle=bundle_hash(champion_folder),
            weights=sha256_file(champion_folder / WEIGHTS_NAME),
            previous=previous,
            previous_rolled_back=behind.get(ROLLED_BACK_TAG),
            challenger=aliases.get(CHALLENGER),
        )


def history(*, name: str, experiment: str) -> list[Event]:
    """Return what happened to the champion of a model, the newest first.

    Raises:
        RegistryError: If the store cannot be reached.
    """
    with registry_errors():
        return list_events(Store(open_client(), experiment), name)
