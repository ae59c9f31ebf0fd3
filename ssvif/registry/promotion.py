"""Another champion: by the gate's decision, or by force.

All of it happens under the registry's lock on this machine, and looks again at who leads once it
has the lock. `ssvif.registry.change` says what a kill leaves.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

from ssvif.errors import ChampionMovedError, RegistryError
from ssvif.files import sha256_json
from ssvif.gate.decision import DECISION_NAME, Decision, read_decision
from ssvif.registry.bundle import WEIGHTS_TAG, bundle_hash
from ssvif.registry.change import change_champion, opened_registry, settle
from ssvif.registry.describe import ROLLED_BACK_TAG, decision_tags, version_text
from ssvif.registry.events import (
    CHANGES,
    EVENT_ID_LENGTH,
    Event,
    find_event,
    list_events,
    now_ms,
    read_event,
    record_event,
)
from ssvif.registry.versions import Registry
from ssvif.tracking.store import Store

GATE = "gate"


@dataclass(frozen=True)
class Promotion:
    """What became of a version.

    Args:
        version: The version that it was about.
        champion: The version that leads now, or None.
        previous: The version that led before, or None.
        changed: Whether the champion has changed just now.
        sentence: The same for people.
    """

    version: int
    champion: int | None
    previous: int | None
    changed: bool
    sentence: str

    @classmethod
    def of(cls, event: Event) -> "Promotion":
        """Return what an event that was just recorded means."""
        return cls(
            version=event.version,
            champion=event.leads,
            previous=event.champion,
            changed=event.leads != event.champion,
            sentence=event.story,
        )

    @classmethod
    def nothing(cls, version: int, champion: int | None, sentence: str) -> "Promotion":
        """Return that nothing was done, and why."""
        return cls(version, champion, champion, changed=False, sentence=sentence)


def apply_decision(
    decision: Path,
    *,
    bundle: Path | int | Literal["challenger"],
    name: str,
    experiment: str,
    champion_folder: Path,
    by: str = GATE,
    retraining: str | None = None,
    commit: str | None = None,
) -> Promotion:
    """Do what the gate decided: promote the challenger, or record that it was refused.

    A decision that was applied before changes nothing.

    Args:
        decision: The gate's decision file, or the folder that holds it.
        bundle: The challenger: its bundle, its version, or `challenger` for the newest one.
        name: Name of the registered model.
        experiment: The MLflow experiment that keeps the event.
        champion_folder: Where the champion's bundle is kept for those who fuse.
        by: Who obeys the decision.
        retraining: The retraining it comes from.
        commit: The commit of the code it was made with.

    Raises:
        ChampionMovedError: If another version leads than the one the challenger was compared with.
        GateError: If the decision cannot be read.
        RegistryError: If the decision is about another model than the bundle's, the model is not
            registered, or the registry cannot be reached.
    """
    path = _file_of(decision)
    decided = read_decision(path)
    with opened_registry(name, experiment) as (registry, store):
        champion = settle(registry, store, champion_folder=champion_folder)
        version = _challenger(registry, decided, bundle)
        event_id = sha256_json([decided.model_dump(mode="json"), version])[:EVENT_ID_LENGTH]
        if champion == version:
            return Promotion.nothing(version, champion, why_it_leads(store, name, version))
        done = find_event(store, event_id)
        if done is not None and done.info.status == "FINISHED":
            return Promotion.nothing(
                version, champion, _told_before(read_event(done), version, champion)
            )
        _require_compared(registry, decided, champion)
        obstacle = _obstacle(registry, decided, version)
        event = Event(
            id=event_id,
            kind=_kind(decided, obstacle, champion),
            model=name,
            version=version,
            champion=champion,
            by=by,
            reason=obstacle or decided.sentence,
            at_ms=now_ms(),
            retraining=retraining,
        )
        registry.tag(version, decision_tags(decided, retraining=retraining, commit=commit))
        if event.leads == version:
            near = (bundle,) if isinstance(bundle, Path) else ()
            change_champion(
                registry, store, event, champion_folder=champion_folder, near=near, decision=path
            )
        else:
            registry.describe(version_text(registry.version(version).tags), version=version)
            record_event(store, event, decision=path)
    return Promotion.of(event)


def promote(
    version: int | Literal["challenger"],
    *,
    name: str,
    experiment: str,
    champion_folder: Path,
    by: str,
    reason: str,
    decision: Path | None = None,
) -> Promotion:
    """Let a version lead by force, whatever the gate said; it is recorded with name and reason.

    Args:
        version: A version, or the newest one.
        name: Name of the registered model.
        experiment: The MLflow experiment that keeps the event.
        champion_folder: Where the champion's bundle is kept for those who fuse.
        by: Who wants it.
        reason: Why.
        decision: What the gate had decided, a file or its folder, to be kept with the event.

    Raises:
        GateError: If the decision cannot be read.
        RegistryError: If name or reason are missing, there is no such version, or the registry
            cannot be reached.
    """
    if not by.strip() or not reason.strip():
        raise RegistryError("a promotion by hand needs a name and a reason: --by and --reason")
    path = None if decision is None else _file_of(decision)
    if path is not None:
        read_decision(path)
    with opened_registry(name, experiment) as (registry, store):
        champion = settle(registry, store, champion_folder=champion_folder)
        number = registry.number(version)
        if champion == number:
            return Promotion.nothing(number, champion, why_it_leads(store, name, number))
        event = by_hand("forced", registry, number, champion, by=by, reason=reason)
        change_champion(registry, store, event, champion_folder=champion_folder, decision=path)
    return Promotion.of(event)


def by_hand(
    kind: Literal["forced", "rollback"],
    registry: Registry,
    version: int,
    champion: int | None,
    *,
    by: str,
    reason: str,
) -> Event:
    """Return the event of a change that a person wants."""
    return Event(
        id=uuid4().hex[:EVENT_ID_LENGTH],
        kind=kind,
        model=registry.name,
        version=version,
        champion=champion,
        by=by.strip(),
        reason=reason.strip(),
        at_ms=now_ms(),
    )


def why_it_leads(store: Store, name: str, version: int) -> str:
    """Return how a version came to lead, for those who want it to lead once more."""
    changes = (event for event in list_events(store, name) if event.kind in CHANGES)
    last = next(changes, None)
    return _told(last if last is not None and last.version == version else None, version)


def _told(event: Event | None, version: int) -> str:
    return f"version {version} leads already" if event is None else event.story


def _told_before(event: Event | None, version: int, champion: int | None) -> str:
    """Return what a decision once did for a version that does not lead now."""
    if event is not None and event.leads != version:
        return event.story
    leads = "nobody" if champion is None else f"version {champion}"
    return f"version {version} was promoted and is no longer the champion ({leads} leads)"


def _file_of(decision: Path) -> Path:
    return decision / DECISION_NAME if decision.is_dir() else decision


def _challenger(
    registry: Registry, decision: Decision, bundle: Path | int | Literal["challenger"]
) -> int:
    """Return the version that a decision is about."""
    if isinstance(bundle, Path):
        version = registry.find(bundle_hash(bundle))
    else:
        version = registry.number(bundle)
    if version is None:
        raise RegistryError(
            f"{bundle}: not registered as {registry.name}; run `dvc repro register`"
        )
    weights = registry.version(version).tags.get(WEIGHTS_TAG)
    if weights != decision.challenger.weights:
        raise RegistryError(
            f"the decision is about the weights {decision.challenger.weights[:12]}, version "
            f"{version} has {str(weights)[:12]}; run the gate again with `dvc repro gate`"
        )
    return version


def _require_compared(registry: Registry, decision: Decision, champion: int | None) -> None:
    """Refuse a decision against another champion than the present one."""
    leads = None if champion is None else registry.bundle_of(champion)
    compared = decision.champion
    if leads != (None if compared is None else compared.bundle):
        now = "nobody" if champion is None else f"version {champion}"
        then = "nobody" if compared is None else f"version {compared.version}"
        raise ChampionMovedError(
            f"{registry.name}: {now} leads, and the decision was made against {then}; pin the "
            "champion anew and run the gate again",
            champion=champion,
        )


def _obstacle(registry: Registry, decision: Decision, version: int) -> str | None:
    """Return why a version that the gate wants must not lead without a person's word."""
    if not decision.promotes:
        return None
    told = registry.version(version).tags.get(ROLLED_BACK_TAG)
    if told is not None:
        return (
            f"version {version} was rolled back {told}; only `ssvif promote {version} --force` "
            "makes it lead again"
        )
    if decision.champion is None and registry.has_led():
        return (
            "the alias champion was taken away by hand; only "
            f"`ssvif promote {version} --force` lets a version lead again"
        )
    return None


def _kind(
    decision: Decision, obstacle: str | None, champion: int | None
) -> Literal["first", "promotion", "refusal", "dry_run"]:
    if decision.promotes and obstacle is None:
        return "first" if champion is None else "promotion"
    return "dry_run" if decision.mode == "dry_run" else "refusal"
