"""A change of champion: announced, made, completed; a kill at any moment leaves one champion.

MLflow has no transactions over several calls. So the change is kept on the registered model before
it is made; one call, that of the alias `champion`, makes it; and whoever comes next completes what
a kill left undone: the bundle at hand, the alias `previous`, tags, descriptions, the event.
Everything here is called under the registry's lock.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ssvif.files import sha256_json
from ssvif.registry.at_hand import bring, keep_champion, kept_folder, take_over
from ssvif.registry.describe import (
    LED_UNTIL_TAG,
    ROLLED_BACK_TAG,
    champion_tags,
    model_text,
    version_text,
)
from ssvif.registry.events import EVENT_ID_LENGTH, Event, now_ms, record_event
from ssvif.registry.resolve import registry_errors
from ssvif.registry.versions import CHAMPION, PREVIOUS, Registry
from ssvif.tracking.store import Store, open_client, store_lock


class _Change(BaseModel):
    model_config = ConfigDict(frozen=True)

    event: Event
    decision: Path | None = None


@contextmanager
def opened_registry(name: str, experiment: str) -> Iterator[tuple[Registry, Store]]:
    """Open the registry for a change, alone on this machine."""
    with registry_errors(), store_lock("registry"):
        client = open_client()
        yield Registry(client, name), Store(client, experiment)


def change_champion(
    registry: Registry,
    store: Store,
    event: Event,
    *,
    champion_folder: Path,
    near: Iterable[Path] = (),
    decision: Path | None = None,
) -> None:
    """Let `event.version` lead.

    Args:
        registry: The registered model.
        store: The experiment that keeps the event.
        event: What happens, and why.
        champion_folder: Where the champion's bundle is kept for those who fuse.
        near: Folders of this machine that may hold the bundle.
        decision: The gate's decision file.

    Raises:
        ModelError: If the registry does not hold the version's bundle; nothing has changed then.
        StorageError: If the bundle cannot be written; once the champion has changed, the next
            command completes the change.
    """
    # All that may well fail comes first.
    kept = kept_folder(registry, event.version, champion_folder)
    bring(registry, event.version, kept, near=(champion_folder, *near))
    change = _Change(event=event, decision=decision.absolute() if decision else None)
    registry.announce_change(change.model_dump_json())
    registry.lead(event.version)
    _complete(registry, store, change, champion_folder)


def first_event(registry: Registry, version: int, *, reason: str) -> Event:
    """Return the event of a model that leads where nobody did before."""
    return Event(
        id=sha256_json(["first", registry.name, registry.bundle_of(version)])[:EVENT_ID_LENGTH],
        kind="first",
        model=registry.name,
        version=version,
        by="registration",
        reason=reason,
        at_ms=now_ms(),
    )


def settle(
    registry: Registry, store: Store, *, champion_folder: Path, near: Iterable[Path] = ()
) -> int | None:
    """Bring everything in line with the champion, whatever was interrupted before.

    A registry that is new or lost takes over the champion of this machine; a change that a kill
    left is completed; the champion's bundle is brought to where fusing finds it.

    Returns:
        Version of the champion, or None.
    """
    taken = take_over(registry, champion_folder, experiment_id=store.experiment_id)
    if taken is not None:
        event = first_event(registry, taken, reason=f"it was the champion of {champion_folder}")
        change_champion(registry, store, event, champion_folder=champion_folder)
        return taken
    champion = registry.aliases().get(CHAMPION)
    under_way = registry.change_under_way()
    if under_way is not None:
        change = _Change.model_validate_json(under_way)
        if change.event.version == champion:
            _complete(registry, store, change, champion_folder)
        else:
            # It was announced and not made, or somebody chose another champion since.
            registry.announce_change(None)
    if champion is not None:
        keep_champion(registry, champion, champion_folder, near=near)
    return champion


def _complete(registry: Registry, store: Store, change: _Change, champion_folder: Path) -> None:
    """Do what follows from a new champion; every step may be done again."""
    event = change.event
    keep_champion(registry, event.version, champion_folder)
    if event.champion is not None and event.champion != event.version:
        registry.point_alias(PREVIOUS, event.champion)
    registry.tag(event.version, {**champion_tags(event), ROLLED_BACK_TAG: None})
    registry.describe(version_text(registry.version(event.version).tags), version=event.version)
    if event.champion is not None:
        _retire(registry, event, event.champion)
    registry.describe(model_text(event))
    record_event(store, event, decision=change.decision)
    registry.announce_change(None)


def _retire(registry: Registry, event: Event, version: int) -> None:
    """Say on the version that led before that it does so no more, and why."""
    told = f"{event.time} UTC by {event.by}: {event.reason}"
    if event.kind == "rollback":
        registry.tag(version, {ROLLED_BACK_TAG: told})
    registry.tag(version, {LED_UNTIL_TAG: f"{event.time} UTC"})
    registry.describe(version_text(registry.version(version).tags), version=version)
