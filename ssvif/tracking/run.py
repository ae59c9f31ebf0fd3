"""What a stage logs while it runs: to files, which count, and from there to MLflow.

    with track_stage("stage_one", params=params, record=record, scratch=checkpoints) as run:
        run.rewind(first_step)
        run.log(step, {"stage_one/train/loss/intensity": 0.1})

MLflow itself is imported by the thread that pushes, so importing this module is cheap.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

from ssvif.params import Params
from ssvif.tracking.facts import StageFacts, describe_stage
from ssvif.tracking.journal import Journal, Row
from ssvif.tracking.live import LivePush
from ssvif.tracking.record import write_record


class _Terminated(SystemExit):
    """SIGTERM came."""


class StageRun:
    """The log of one stage; made by `track_stage`.

    Args:
        journal: Where rows are kept.
        describe: Returns the facts of the stage.
        experiment: Name of the MLflow experiment.
        live: Whether the facts hold from the start, so that rows are pushed as they come.
    """

    def __init__(
        self, journal: Journal, *, describe: Callable[[], StageFacts], experiment: str, live: bool
    ) -> None:
        self._journal = journal
        self._describe = describe
        self._experiment = experiment
        self._artifacts: list[Path] = []
        self._push = self._connect() if live else None
        self._logged = False
        self._discarded = False

    @property
    def rows(self) -> Sequence[Row]:
        """All that was logged so far, in order."""
        return tuple(self._journal.rows)

    def rewind(self, step: int) -> None:
        """Drop what an earlier, killed process logged after `step`; before the first `log`.

        Raises:
            RuntimeError: If this process has logged: what is pushed cannot be taken back.
        """
        if self._logged:
            raise RuntimeError("rewind must come before the first log")
        self._journal.rewind(step)

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Log numbers at a step; a stage without steps logs at step 0.

        Args:
            step: Of training, from 0.
            metrics: Numbers by key, such as `stage_one/train/loss/intensity`.
        """
        self._journal.append(step, metrics)
        if self._push is not None and not self._logged:
            self._push.start()
        self._logged = True

    def add_artifact(self, path: Path) -> None:
        """Keep a file with the record; it must be there until the block ends."""
        self._artifacts.append(path)

    def discard(self) -> None:
        """Leave no record and no run of a stage that found nothing to do."""
        self._discarded = True

    def finish(self, record: Path) -> None:
        """Write the record, and complete the run in MLflow.

        Raises:
            StorageError: If the record cannot be written.
        """
        if self._discarded:
            return
        self._push = push = self._push or self._connect()
        write_record(record, facts=push.facts, rows=self._journal.rows, artifacts=self._artifacts)
        push.close("FINISHED", record)

    def give_up(self, status: str) -> None:
        """Tell MLflow that the stage is `FAILED` or `KILLED`; no record is written."""
        push = self._push or self._connect()
        push.close(status, None)

    def _connect(self) -> LivePush:
        return LivePush(
            facts=self._describe(), rows=lambda: self._journal.rows, experiment=self._experiment
        )


@contextmanager
def track_stage(
    stage: str,
    *,
    params: Params,
    record: Path,
    scratch: Path | None = None,
    tags: Mapping[str, str] | None = None,
    live: bool = True,
) -> Iterator[StageRun]:
    """Record a DVC stage of the project in the current folder.

    A stage that ends by an error is FAILED in MLflow, one that is interrupted or gets SIGTERM is
    KILLED; the error goes on, and so does the signal.

    Args:
        stage: Its name in dvc.yaml.
        params: All parameters; the record keeps the sections that dvc.yaml lists for the stage.
        record: The folder that holds the record once the block has ended well.
        scratch: A folder outside DVC's outputs, where metrics survive a kill; rows that it holds
            belong to this run, unless `StageRun.rewind` drops them.
        tags: Further tags for the record and for MLflow.
        live: Push while the stage runs. False pushes once, when it has ended, for short stages
            and for the one that writes the manifest (see `ssvif.tracking.facts`).

    Yields:
        The log.

    Raises:
        StorageError: If the record cannot be written. A tracking store that fails raises nothing.
    """
    run = StageRun(
        Journal(scratch),
        describe=partial(describe_stage, stage, params, tags or {}),
        experiment=params.tracking.experiment,
        live=live,
    )
    try:
        with _sigterm_raises():
            yield run
            run.finish(record)
    except _Terminated:
        run.give_up("KILLED")
        os.kill(os.getpid(), signal.SIGTERM)
        raise
    except KeyboardInterrupt:
        run.give_up("KILLED")
        raise
    except BaseException:
        run.give_up("FAILED")
        raise


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """Turn SIGTERM into an exception, so that open files are cleaned up on the way out."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _terminate(number: int, _frame: FrameType | None) -> NoReturn:
    raise _Terminated(128 + number)
