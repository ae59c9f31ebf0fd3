"""A registry rebuilt from what was recorded elsewhere: versions, events, and who leads.

What is not recorded is lost: promotions by force and rollbacks are known by the champion at hand
alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ssvif.errors import ModelError
from ssvif.files import sha256_json
from ssvif.gate.decision import read_decision
from ssvif.params import FloorParams
from ssvif.registry.at_hand import digest_of
from ssvif.registry.bundle import METRICS, bundle_hash, read_json
from ssvif.registry.change import change_champion, first_event, opened_registry, settle
from ssvif.registry.describe import champion_tags, decision_tags, version_text
from ssvif.registry.events import EVENT_ID_LENGTH, Event, Kind, now_ms, record_event
from ssvif.registry.floors import Verdict, check_floors
from ssvif.registry.register import add_bundle
from ssvif.registry.versions import Registry
from ssvif.tracking.push import push_records
from ssvif.tracking.store import Store

FORMER_TAG = "ssvif.former_version"
_LEADS = re.compile(r"version \d+ leads\b", re.IGNORECASE)


@dataclass(frozen=True)
class Recorded:
    """A model as git and DVC keep it.

    Args:
        bundle: Its bundle.
        runs: The records of its stages.
        version: The number it was registered by.
        floors: What a first champion must reach.
        commit: The commit that holds it.
        retraining: The retraining that made it, or None where that was `dvc repro`.
        decision: The gate's decision about it, for one of a retraining.
        sentence: How its retraining ended, likewise.
        at_ms: When that was, in milliseconds since 1970.
    """

    bundle: Path
    runs: Path
    version: int
    floors: FloorParams
    commit: str
    retraining: str | None = None
    decision: Path | None = None
    sentence: str = ""
    at_ms: int = 0


@dataclass(frozen=True)
class Restored:
    """What was brought back.

    Args:
        runs: How many records of stages the store lacked.
        versions: The versions that the registry lacked.
        events: How many events were recorded.
        champion: The version that leads now, or None.
    """

    runs: int
    versions: tuple[int, ...]
    events: int
    champion: int | None


def restore(
    models: Sequence[Recorded], *, name: str, experiment: str, champion_folder: Path
) -> Restored:
    """Bring back what the store lacks of recorded models; what it has stays as it is.

    Where the registry has a champion, or had one, aliases stay as they are too.

    Args:
        models: The models.
        name: Name of the registered model.
        experiment: The MLflow experiment that holds the runs.
        champion_folder: The champion at hand; what is there leads, if it is among the models.

    Raises:
        GateError: If a decision cannot be read.
        ModelError: If a bundle is not whole.
        RegistryError: If the registry cannot be reached.
        TrackingError: If the store cannot be reached.
    """
    ordered = sorted(models, key=lambda model: model.version)
    pushed = sum(len(push_records(model.runs, experiment=experiment)) for model in ordered)
    with opened_registry(name, experiment) as (registry, store):
        is_new = not registry.has_led()
        created = [number for model in ordered if (number := _add(registry, store, model))]
        if is_new and ordered:
            registry.challenge(_version(registry, ordered[-1]))
            events = _replay(registry, store, ordered, champion_folder)
        else:
            events = 0
        champion = settle(registry, store, champion_folder=champion_folder)
    return Restored(pushed, tuple(created), events, champion)


def _add(registry: Registry, store: Store, model: Recorded) -> int | None:
    """Register a bundle, and return its version, or None where the registry has it."""
    if registry.find(bundle_hash(model.bundle)) is not None:
        return None
    version = add_bundle(registry, store, model.bundle, runs=model.runs, verdict=_verdict(model))
    if version != model.version:
        registry.tag(version, {FORMER_TAG: str(model.version)})
    return version


def _verdict(model: Recorded) -> Verdict:
    return check_floors(read_json(model.bundle / METRICS), model.floors)


def _version(registry: Registry, model: Recorded) -> int:
    version = registry.find(bundle_hash(model.bundle))
    if version is None:
        raise ModelError(f"{model.bundle}: its version is gone; run `ssvif sync` again")
    return version


def _replay(
    registry: Registry, store: Store, models: Sequence[Recorded], champion_folder: Path
) -> int:
    """Record what happened to the champion, and let it lead; the alias is set last.

    Returns:
        How many events there were.
    """
    judged = sorted((m for m in models if m.decision), key=lambda model: model.at_ms)
    events = [_event(registry, model) for model in judged]
    last = _last_event(registry, models, events, champion_folder)
    for event in events:
        if last is None or event.id != last.id:
            if event.leads == event.version:
                registry.tag(event.version, champion_tags(event))
            registry.describe(
                version_text(registry.version(event.version).tags), version=event.version
            )
            record_event(store, event, decision=_decision_of(event, judged, events))
    if last is None:
        return len(events)
    near = (champion_folder, *(model.bundle for model in models))
    change_champion(
        registry,
        store,
        last,
        champion_folder=champion_folder,
        near=near,
        decision=_decision_of(last, judged, events),
    )
    return len({event.id for event in (*events, last)})


def _event(registry: Registry, model: Recorded) -> Event:
    """Return what the end of a retraining was, and say it on the version."""
    decided = read_decision(model.decision) if model.decision else None
    if decided is None:
        raise ModelError(f"{model.bundle}: no decision is recorded with it")
    version = _version(registry, model)
    compared = registry.find(decided.champion.bundle) if decided.champion else None
    outcome, _, reason = model.sentence.partition(": ")
    leads = bool(_LEADS.match(outcome)) if outcome else decided.promotes
    told = "" if leads else outcome
    tags = decision_tags(decided, retraining=model.retraining, commit=model.commit)
    registry.tag(version, tags)
    if leads:
        kind: Kind = "promotion" if compared else "first"
    else:
        kind = "dry_run" if decided.mode == "dry_run" else "refusal"
    return Event(
        id=sha256_json([decided.model_dump(mode="json"), version])[:EVENT_ID_LENGTH],
        kind=kind,
        model=registry.name,
        version=version,
        champion=compared,
        by="gate",
        reason=reason or told or decided.sentence,
        at_ms=model.at_ms,
        retraining=model.retraining,
    )


def _last_event(
    registry: Registry, models: Sequence[Recorded], events: Sequence[Event], champion_folder: Path
) -> Event | None:
    """Return the event that the present champion leads by, or None where nobody does."""
    digest = digest_of(champion_folder)
    at_hand = registry.find(digest) if digest else None
    if digest and at_hand is None:
        return None  # a model that nobody recorded: it is taken over as it is
    promoted = [event for event in events if event.leads == event.version]
    leader = at_hand or (events[-1].leads if events else None)
    if promoted and leader in (None, promoted[-1].version):
        return promoted[-1]
    if promoted and leader is not None:
        return Event(
            id=sha256_json(["sync", registry.name, digest])[:EVENT_ID_LENGTH],
            kind="forced",
            model=registry.name,
            version=leader,
            champion=promoted[-1].version,
            by="ssvif sync",
            reason="it was the champion at hand when the registry was rebuilt",
            at_ms=now_ms(),
        )
    for model in models:
        verdict = _verdict(model)
        if leader == _version(registry, model) or (leader is None and verdict.passed):
            event = first_event(registry, _version(registry, model), reason=verdict.sentence)
            return event.model_copy(update={"at_ms": model.at_ms})
    return None


def _decision_of(event: Event, judged: Sequence[Recorded], events: Sequence[Event]) -> Path | None:
    for model, other in zip(judged, events, strict=True):
        if other.id == event.id:
            return model.decision
    return None
