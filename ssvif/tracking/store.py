"""Runs in MLflow: one parent for a pipeline, one child for a run of a DVC stage.

Only `MlflowClient` is used, never the fluent interface, whose hidden current run would be shared
by all of a process. A store is for one thread.
"""

import hashlib
import logging
import os
import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssvif.tracking.datasets import mlflow_input
from ssvif.tracking.facts import PIPELINE_TAG, STAGE_TAG, StageFacts
from ssvif.tracking.failures import hide_passwords
from ssvif.tracking.journal import Row
from ssvif.tracking.notes import (
    EXPERIMENT_TAGS,
    INGEST,
    NOTE_TAG,
    parent_tags,
    pipeline_name,
    pipeline_note,
    source_tags,
    stage_note,
)
from ssvif.tracking.process import is_alive, process_tag
from ssvif.tracking.record import Record
from ssvif.tracking.servers import (
    ARTIFACT_ROOT_VARIABLE,
    artifact_root,
    check_database_server,
    is_database_server,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

URI_VARIABLE = "MLFLOW_TRACKING_URI"
DEFAULT_URI = "sqlite:///mlflow.db"
ARTIFACT_FOLDER = "mlartifacts"

RECORD_TAG = "ssvif.record"
PROCESS_TAG = "ssvif.process"
HOST_TAG = "ssvif.host"
PIPELINE_RUN_TAG = "ssvif.pipeline_run"
# On a child that was pushed from its record, when its stage had ended.
PUSHED_TAG = "ssvif.pushed"
_PARENT_TAG = "mlflow.parentRunId"
_IS_PARENT = f"tags.`{PIPELINE_RUN_TAG}` LIKE '%'"

# A dead server must cost seconds, not the minutes of MLflow's own defaults.
_ENVIRONMENT = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "PGCONNECT_TIMEOUT": "5",
}
_LOCK_SECONDS = 120
# What a lock that nobody lets go of means to those who wait for it.
BUSY = (
    f"another process on this machine has been changing it for {_LOCK_SECONDS} s, such as one that "
    "uploads a model; wait for it, or end it, and try again"
)
_METRICS_PER_CALL = 1000
_PARAMS_PER_CALL = 100
_LONGEST_PARAM = 6000


def tracking_uri() -> str:
    """Return where runs are kept: `MLFLOW_TRACKING_URI`, or a file in the current folder."""
    return os.environ.get(URI_VARIABLE) or DEFAULT_URI


def shown_uri() -> str:
    """Return where runs are kept, fit for messages and logs: without a password."""
    return hide_passwords(tracking_uri())


def open_client() -> "MlflowClient":
    """Return a client of the store; a local store that is not there yet is made.

    Raises:
        Exception: Whatever MLflow or its backend raise; they share no base class.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient  # a second and a half, and reads the environment

    logging.getLogger("alembic").setLevel(logging.WARNING)
    # It prints a trace of a hundred lines for what it raises as well.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    # Opening a fresh database makes its tables, and two processes at it collide.
    with store_lock():
        if is_database_server(tracking_uri()):
            check_database_server(tracking_uri())
        client = MlflowClient(tracking_uri())
        client.search_experiments(max_results=1)
    return client


@contextmanager
def store_lock(purpose: str = "store") -> Iterator[None]:
    """Hold what changes a store in several calls: one process on this machine at a time.

    The lock of a local database lies beside it; that of a server is one for each user.

    Args:
        purpose: Locks of different purposes may be held together; one of the same may not.

    Raises:
        filelock.Timeout: If another process holds it for two minutes.
    """
    from filelock import FileLock

    with FileLock(_lock_path(tracking_uri(), purpose), timeout=_LOCK_SECONDS):
        yield


def _lock_path(uri: str, purpose: str) -> Path:
    local = database_path(uri)
    if local is not None:
        database = local.resolve()
        return database.with_name(f"{database.name}.{purpose}.lock")
    server = hashlib.sha256(uri.encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"ssvif-{purpose}-{os.getuid()}-{server}.lock"


class Store:
    """The runs of one experiment.

    Args:
        client: See `open_client`.
        experiment: Its name; it is made where the store does not have it.
    """

    def __init__(self, client: "MlflowClient", experiment: str) -> None:
        self.client = client
        with store_lock():
            found = client.get_experiment_by_name(experiment)
            self.experiment_id: str = (
                found.experiment_id
                if found
                else client.create_experiment(
                    experiment, _artifact_location(), tags=dict(EXPERIMENT_TAGS)
                )
            )

    def create(self, facts: StageFacts, *, pushed: bool = False) -> str:
        """Make a child under its pipeline's parent, and return its id; `describe` fills it.

        Args:
            facts: The stage.
            pushed: Whether the stage has ended already, so that nothing is at work.
        """
        with store_lock():
            self._reap()
            parent = self._parent(facts)
        tags = {
            **facts.tags,
            **source_tags(facts),
            NOTE_TAG: stage_note(facts),
            _PARENT_TAG: parent,
            PROCESS_TAG: process_tag(),
            HOST_TAG: platform.node(),
            **({PUSHED_TAG: "true"} if pushed else {}),
        }
        run = self.client.create_run(self.experiment_id, tags=tags, run_name=facts.stage)
        return str(run.info.run_id)

    def describe(self, run_id: str, facts: StageFacts) -> None:
        """Log a child's parameters and input; a second call changes nothing."""
        from mlflow.entities import Param

        flat = flatten(facts.params).items()
        params = [Param(key, str(value)[:_LONGEST_PARAM]) for key, value in flat]
        for first in range(0, len(params), _PARAMS_PER_CALL):
            self.client.log_batch(run_id, params=params[first : first + _PARAMS_PER_CALL])
        if facts.data is not None:
            parent = self._parent_of(run_id)
            for run in (run_id, parent):
                self.client.log_inputs(run, datasets=[mlflow_input(facts.data)])
            self.client.set_tag(parent, NOTE_TAG, pipeline_note(facts))

    def resume_parent(self, run_id: str, facts: StageFacts) -> None:
        """Show that a child is at work, in its parent: as running, and from this child's commit."""
        from mlflow.entities import RunTag

        parent = self._parent_of(run_id)
        tags = [RunTag(key, value) for key, value in parent_tags(facts).items()]
        self.client.log_batch(parent, tags=tags)
        # Captures may come in before anybody trains on them: then the run gets its name.
        name = None if facts.stage == INGEST else pipeline_name(facts)
        self.client.update_run(parent, status="RUNNING", name=name)

    def log(self, run_id: str, rows: Sequence[Row]) -> None:
        """Add rows of metrics; a row that the run has already is not added twice."""
        from mlflow.entities import Metric

        metrics = [
            Metric(key, value, row.time_ms, row.step)
            for row in rows
            for key, value in row.values.items()
        ]
        for first in range(0, len(metrics), _METRICS_PER_CALL):
            self.client.log_batch(run_id, metrics=metrics[first : first + _METRICS_PER_CALL])

    def finish(self, run_id: str, status: str, record: Record | None) -> None:
        """End a child, and give its parent the same state, unless another child is at work.

        Args:
            run_id: The child.
            status: `FINISHED`, `FAILED` or `KILLED`.
            record: What the stage left; its hash marks the child as complete.
        """
        self._end(run_id, status, record)
        parent = self._parent_of(run_id)
        if not any(_is_running(child) for child in self._live_children(parent)):
            self.client.set_terminated(parent, status)

    def add(self, record: Record) -> str:
        """Add a whole record as a finished child, and return the child's id.

        What one stage once left says little of how its pipeline stands: the parent keeps its state,
        unless every stage is finished by now, such as where only the store was lost as they ended.
        """
        run_id = self.create(record.facts, pushed=True)
        self.describe(run_id, record.facts)
        self.log(run_id, record.rows)
        self._end(run_id, "FINISHED", record)
        parent = self._parent_of(run_id)
        if all(child.info.status == "FINISHED" for child in self._latest_children(parent)):
            self.client.set_terminated(parent, "FINISHED")
        return run_id

    def reap(self) -> list[str]:
        """Mark children killed whose process on this machine is gone, and parents without a child.

        What runs on other machines is left alone.

        Returns:
            Ids of the children that were marked.
        """
        with store_lock():
            return self._reap()

    def find_record(self, digest: str) -> str | None:
        """Return the child that holds a record, by the record's hash."""
        runs = self._search(f"tags.`{RECORD_TAG}` = '{digest}' and attributes.status = 'FINISHED'")
        return str(runs[0].info.run_id) if runs else None

    def _end(self, run_id: str, status: str, record: Record | None) -> None:
        if record is not None:
            if record.artifacts is not None:
                self.client.log_artifacts(run_id, str(record.artifacts))
            self.client.set_tag(run_id, RECORD_TAG, record.digest)
        self.client.set_terminated(run_id, status)

    def _parent(self, facts: StageFacts) -> str:
        """Return the pipeline's run; a new one is at rest until a stage runs."""
        pipeline = facts.tags[PIPELINE_TAG]
        runs = self._search(f"tags.`{PIPELINE_RUN_TAG}` = '{pipeline}'")
        if runs:
            return str(runs[0].info.run_id)
        run = self.client.create_run(
            self.experiment_id,
            tags={
                PIPELINE_RUN_TAG: pipeline,
                NOTE_TAG: pipeline_note(facts),
                **parent_tags(facts),
            },
            run_name=pipeline_name(facts),
        )
        self.client.set_terminated(run.info.run_id, "FINISHED")
        return str(run.info.run_id)

    def _parent_of(self, run_id: str) -> str:
        return str(self.client.get_run(run_id).data.tags[_PARENT_TAG])

    def _reap(self) -> list[str]:
        host = platform.node()
        running = self._search(f"attributes.status = 'RUNNING' and tags.`{HOST_TAG}` = '{host}'")
        dead = [run for run in running if not is_alive(run.data.tags.get(PROCESS_TAG, ""))]
        for run in dead:
            self._end(run.info.run_id, "KILLED", None)
        # Theirs, and those whose process died after its child ended, and before the parent did.
        for run in self._search(f"attributes.status = 'RUNNING' and {_IS_PARENT}"):
            children = self._live_children(run.info.run_id)
            if not any(_is_running(child) for child in children):
                ended = max(children, key=lambda child: child.info.end_time or 0, default=None)
                status = ended.info.status if ended else "KILLED"
                self.client.set_terminated(run.info.run_id, status)
        return [str(run.info.run_id) for run in dead]

    def _children(self, parent: str) -> "list[Run]":
        return self._search(f"tags.`{_PARENT_TAG}` = '{parent}'")

    def _live_children(self, parent: str) -> "list[Run]":
        """Return the children that are, or were, at work: a push that dies ends no pipeline."""
        return [child for child in self._children(parent) if PUSHED_TAG not in child.data.tags]

    def _latest_children(self, parent: str) -> "list[Run]":
        """Return one child of each stage: the one that is at work, or else the newest."""
        children = self._children(parent)
        children.sort(key=lambda child: (_is_running(child), child.info.start_time))
        return list({child.data.tags[STAGE_TAG]: child for child in children}.values())

    def _search(self, query: str) -> "list[Run]":
        return list(self.client.search_runs([self.experiment_id], query))


def _is_running(run: "Run") -> bool:
    return bool(run.info.status == "RUNNING")


def flatten(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one, with keys joined by dots."""
    flat: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def database_path(uri: str) -> Path | None:
    """Return the file of a store in a local sqlite database."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def _artifact_location() -> str | None:
    """Return where a new experiment keeps its files; a tracking server knows that itself.

    MLflow's default is relative, and so another one in each folder a stage is started from.
    """
    uri = tracking_uri()
    database = database_path(uri)
    if database:
        beside = (database.absolute().parent / ARTIFACT_FOLDER).as_uri()
        return os.environ.get(ARTIFACT_ROOT_VARIABLE) or beside
    return artifact_root(uri) if is_database_server(uri) else None
