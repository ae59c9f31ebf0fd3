"""What happened to the champion, as runs that people find in MLflow: one run an event."""

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from ssvif.gate.decision import Decision
from ssvif.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run

EVENT_TAG = "ssvif.event"
EVENT_ID_TAG = "ssvif.event_id"
MODEL_TAG = "ssvif.model"

Kind = Literal["first", "promotion", "forced", "refusal", "dry_run", "rollback"]

EVENT_ID_LENGTH = 16

# Kinds after which another version leads than before.
CHANGES: frozenset[Kind] = frozenset({"first", "promotion", "forced", "rollback"})

# What of a decision's folder is kept with the event, where it is there.
_ARTIFACTS = ("decision.json", "summary.md", "picture.png", "index.html")
_NAMES: dict[Kind, str] = {
    "first": "Version {version} leads, the first",
    "promotion": "Version {version} leads, after version {champion}",
    "forced": "Version {version} leads by force, after {before}",
    "refusal": "Version {version} refused, {leader}",
    "dry_run": "Version {version} judged only, {leader}",
    "rollback": "Back to version {version}, from version {champion}",
}
_MOST_METRICS = 1000
_LONGEST_WORD = 1000  # a database server takes descriptions of 5000 characters
_NOT_IN_A_KEY = re.compile(r"[^\w./ :-]")


def _in_one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_WORD else f"{line[: _LONGEST_WORD - 3]}..."


# What people say becomes a line of a tag, a description and a commit's message.
_Word = Annotated[str, AfterValidator(_in_one_line)]


class Event(BaseModel):
    """One thing that happened to the champion, or did not.

    Args:
        id: The same event has the same id, so that it is recorded once.
        kind: What it is.
        model: Name of the registered model.
        version: The version that it is about: the new champion, or the one that was refused.
        champion: The version that led before, or None.
        by: Who did it: a person's name, or `gate`.
        reason: Why, as a sentence.
        at_ms: When, in milliseconds since 1970.
        retraining: The retraining it belongs to, or None.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    kind: Kind
    model: str
    version: int
    champion: int | None = None
    by: _Word
    reason: _Word
    at_ms: int
    retraining: str | None = None

    @property
    def story(self) -> str:
        """What happened and why, for people."""
        return f"{self.sentence}: {self.reason}"

    @property
    def leads(self) -> int | None:
        """The version that leads after it."""
        return self.version if self.kind in CHANGES else self.champion

    @property
    def time(self) -> str:
        """When, in UTC, to the second, such as `2026-01-31 08:00:00`."""
        return utc_time(self.at_ms)

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        before = "nobody" if self.champion is None else f"version {self.champion}"
        leader = "nobody leads" if self.champion is None else f"{before} goes on"
        return _NAMES[self.kind].format(
            version=self.version, champion=self.champion, before=before, leader=leader
        )


def now_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def utc_time(at_ms: int) -> str:
    """Return milliseconds since 1970 as a date and time in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def record_event(store: Store, event: Event, *, decision: Path | None = None) -> None:
    """Keep an event as a finished run; one that is recorded already is not recorded twice.

    Args:
        store: The experiment's runs.
        event: The event.
        decision: The gate's decision file; it and what lies beside it of the gate's report is
            kept with the event, and its numbers as metrics.
    """
    from mlflow.entities import Param

    run = find_event(store, event.id)
    if run is not None and run.info.status == "FINISHED":
        return
    run_id = run.info.run_id if run else _create(store, event)
    store.client.log_batch(run_id, params=[Param(k, str(v)) for k, v in _params(event).items()])
    if decision is not None and decision.is_file():
        _log_decision(store, run_id, decision, event.at_ms)
    store.client.set_terminated(run_id, "FINISHED")


def find_event(store: Store, event_id: str) -> "Run | None":
    """Return the run of an event, whole or half written."""
    query = f"tags.`{EVENT_ID_TAG}` = '{event_id}'"
    found = store.client.search_runs([store.experiment_id], query, max_results=1)
    return found[0] if found else None


def list_events(store: Store, model: str, *, limit: int = 1000) -> list[Event]:
    """Return the events of a model, the newest first; runs that are no whole event are left out."""
    query = f"tags.`{MODEL_TAG}` = '{model}' and attributes.status = 'FINISHED'"
    runs = store.client.search_runs(
        [store.experiment_id], query, max_results=limit, order_by=["attributes.start_time DESC"]
    )
    return [event for run in runs if (event := read_event(run)) is not None]


def end_events(store: Store) -> None:
    """Mark events that a kill left half written as killed; the registry's lock must be held.

    Whoever completes what was interrupted completes the event, too.
    """
    query = f"tags.`{EVENT_TAG}` LIKE '%' and attributes.status = 'RUNNING'"
    for run in store.client.search_runs([store.experiment_id], query):
        store.client.set_terminated(run.info.run_id, "KILLED")


def _create(store: Store, event: Event) -> str:
    run = store.client.create_run(
        store.experiment_id,
        start_time=event.at_ms,
        run_name=event.sentence,
        tags={
            EVENT_TAG: event.kind,
            EVENT_ID_TAG: event.id,
            MODEL_TAG: event.model,
            "mlflow.note.content": f"{event.sentence}. By {event.by}: {event.reason}",
            **({"ssvif.retraining": event.retraining} if event.retraining else {}),
        },
    )
    return str(run.info.run_id)


def _params(event: Event) -> dict[str, object]:
    """Return what people read of an event in MLflow's table of runs."""
    values = {
        "model": event.model,
        "version": event.version,
        "from_version": event.champion,
        "to_version": event.leads,
        "by": event.by,
        "reason": event.reason,
        "retraining": event.retraining,
    }
    return {key: value for key, value in values.items() if value is not None}


def read_event(run: "Run") -> Event | None:
    """Return the event that a run keeps, or None where it is no whole event."""
    tags, params = run.data.tags, run.data.params
    try:
        about = {
            **params,
            "id": tags[EVENT_ID_TAG],
            "kind": tags[EVENT_TAG],
            "champion": params.get("from_version"),
            "at_ms": run.info.start_time,
        }
        return Event.model_validate(about)
    except (KeyError, ValidationError):
        return None


def _log_decision(store: Store, run_id: str, path: Path, at_ms: int) -> None:
    from mlflow.entities import Metric

    decision = Decision.model_validate_json(path.read_text(encoding="utf-8"))
    metrics = [
        Metric(_NOT_IN_A_KEY.sub("_", f"gate/{key}"), value, at_ms, 0)
        for key, value in sorted(decision.numbers.items())
        if value is not None
    ]
    store.client.log_batch(run_id, metrics=metrics[:_MOST_METRICS])
    for name in _ARTIFACTS:
        if (path.parent / name).is_file():
            store.client.log_artifact(run_id, str(path.parent / name), "gate")
