"""Pushes a running stage to MLflow from a thread of its own, in batches.

Training never waits for the store: a failure is warned of once, tried again later, and at the
end left to `ssvif track push`.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from ssvif.tracking.facts import StageFacts
from ssvif.tracking.failures import reason
from ssvif.tracking.journal import Row
from ssvif.tracking.record import read_record
from ssvif.tracking.store import Store, open_client, shown_uri
from ssvif.tracking.system import watch_system

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 3.0
_PAUSE_AFTER_FAILURE = 30.0
_LAST_FLUSH_SECONDS = 60.0
_LAST_FLUSH_SECONDS_KILLED = 8.0


class LivePush(threading.Thread):
    """Carries rows to a child run until `close`.

    Args:
        facts: The stage.
        rows: Returns the rows so far; it only grows.
        experiment: Name of the MLflow experiment.
    """

    def __init__(
        self, *, facts: StageFacts, rows: Callable[[], list[Row]], experiment: str
    ) -> None:
        # A daemon: a store that hangs does not keep the stage from ending.
        super().__init__(name="mlflow", daemon=True)
        self.facts = facts
        self._rows = rows
        self._experiment = experiment
        self._ending = threading.Event()
        # Waited for instead of joined: an interrupted join takes the thread for stopped.
        self._ended = threading.Event()
        self._status = "FINISHED"
        self._record: Path | None = None
        self._store: Store | None = None
        self._run_id: str | None = None
        self._described = False
        self._end_watch: Callable[[], None] | None = None
        self._pushed = 0
        self._warned = False

    def run(self) -> None:
        """Flush every few seconds, and a last time at the end."""
        pause = 0.0
        while not self._ending.wait(pause):
            pause = FLUSH_SECONDS if self._attempt(self._flush) else _PAUSE_AFTER_FAILURE
            if self._described and self._run_id is not None and self._end_watch is None:
                self._end_watch = watch_system(self._run_id)
        told = None
        while told != self._status:
            told = self._status
            self._attempt(self._finish)
        self._ended.set()

    def close(self, status: str, record: Path | None) -> None:
        """End the run with a status, and wait a little for it.

        A second call, as where SIGTERM comes during the first, changes the status.

        Args:
            status: `FINISHED`, `FAILED` or `KILLED`.
            record: The stage's record, where it left one.
        """
        self._status, self._record = status, record
        self._ending.set()
        if self.ident is None:
            self.start()
        limit = _LAST_FLUSH_SECONDS_KILLED if status == "KILLED" else _LAST_FLUSH_SECONDS
        if not self._ended.wait(limit):
            self._warn(f"no answer within {limit:.0f} s")

    def _attempt(self, action: Callable[[], None]) -> bool:
        try:
            action()
        # MLflow, its backends and the network raise what they like; none of it stops training.
        except Exception as error:
            self._warn(reason(error))
            return False
        return True

    def _flush(self) -> None:
        if self._store is None:
            self._store = Store(open_client(), self._experiment)
        if self._run_id is None:
            self._run_id = self._store.create(self.facts)
        if not self._described:
            self._store.resume_parent(self._run_id, self.facts)
            self._store.describe(self._run_id, self.facts)
            self._described = True
        # Training adds rows meanwhile: only those that were sent are done.
        rows = self._rows()[self._pushed :]
        self._store.log(self._run_id, rows)
        self._pushed += len(rows)

    def _finish(self) -> None:
        if self._end_watch is not None:
            self._end_watch()
        self._flush()
        if self._store is not None and self._run_id is not None:
            record = read_record(self._record) if self._record else None
            self._store.finish(self._run_id, self._status, record)

    def _warn(self, problem: str) -> None:
        if not self._warned:
            logger.warning(
                "%s: tracking failed (%s); the stage goes on, complete it with `ssvif track push`",
                shown_uri(),
                problem,
            )
        self._warned = True
