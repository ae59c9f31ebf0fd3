"""`python -m pipelines.watch`: starts the deployment `ingest` as soon as there is something to do.

It looks whenever a file changes in the drop folder, and every few seconds besides: quiet makes no
noise, and a bucket none either. It only looks; what it starts does the work.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable
from typing import Annotated
from uuid import UUID

import httpx
import typer
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from watchfiles import watch as changes

from ssvif import console
from ssvif.errors import SsvifError
from ssvif.params import load_params
from ssvif.retraining.remote import is_remote, local_drop
from ssvif.retraining.watching import reason_to_ingest

DEPLOYMENT = "ingest/ingest"
_POLL_S = 5.0
_REMOTE_POLL_S = 60.0
# A run that leaves its reason as it was has failed: the next may do better, later.
_PAUSE_S = 60.0

_LOG = logging.getLogger(__name__)


class Starter:
    """Starts runs of the deployment `ingest`, one at a time."""

    def __init__(self) -> None:
        self._run: UUID | None = None
        self._reason = ""
        self._began = 0.0

    def start(self, drop: str, reason: str) -> None:
        """Start a run, unless one goes on, or was just in vain for the same reason."""
        in_vain = reason == self._reason and time.monotonic() - self._began < _PAUSE_S
        if in_vain or self._goes_on():
            return
        parameters = {"drop": drop, "reason": reason}
        with get_client(sync_client=True) as client:
            deployment = client.read_deployment_by_name(DEPLOYMENT)
            run = client.create_flow_run_from_deployment(deployment.id, parameters=parameters)
        _LOG.info("ingest started: %s (%s)", reason, run.name)
        self._run, self._reason, self._began = run.id, reason, time.monotonic()

    def _goes_on(self) -> bool:
        if self._run is None:
            return False
        try:
            with get_client(sync_client=True) as client:
                state = client.read_flow_run(self._run).state
        except ObjectNotFound:  # somebody deleted it
            return False
        return state is not None and not state.is_final()


def watch(drop: str, start: Callable[[str, str], None], stop: threading.Event) -> None:
    """Look for something to do until told to stop.

    Args:
        drop: The drop folder, or `s3://BUCKET/PREFIX`.
        start: Takes `drop` and the reason whenever there is one.
        stop: Ends it when set.
    """
    folder = local_drop(drop)
    folder.mkdir(parents=True, exist_ok=True)
    poll = _REMOTE_POLL_S if is_remote(drop) else _POLL_S
    _look(drop, start)
    for _ in changes(
        folder,
        stop_event=stop,
        rust_timeout=int(poll * 1000),
        yield_on_timeout=True,
        raise_interrupt=False,
        # What cannot be read is a fault of its delivery.
        ignore_permission_denied=True,
    ):
        _look(drop, start)


def _look(drop: str, start: Callable[[str, str], None]) -> None:
    try:
        reason = reason_to_ingest(drop, load_params().retraining)
        if reason:
            start(drop, reason)
    except SsvifError as error:
        _LOG.warning("%s", error)
    except (httpx.HTTPError, ObjectNotFound) as error:
        _LOG.warning("Prefect cannot start %s yet (%s); it is tried again", DEPLOYMENT, error)


def main(
    drop: Annotated[str, typer.Option(help="Drop folder, or s3://BUCKET/PREFIX.")] = "",
) -> None:
    """Watch the drop folder until interrupted; `python -m pipelines.deploy` does so by itself."""
    # Each request of a client, and each look of watchfiles, is not worth a line.
    for name in ("httpx", "watchfiles"):
        logging.getLogger(name).setLevel(logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    place = drop or load_params().retraining.drop
    _LOG.info("watching %s", place)
    watch(place, Starter().start, stop)


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
