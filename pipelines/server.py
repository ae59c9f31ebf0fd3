"""A Prefect server for one run, where none is configured.

Prefect starts one by itself, but leaves it running where its flow is killed. This one has a guard.
"""

import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import prefect
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, temporary_settings

from pipelines.api import comes_up
from pipelines.dvc import guarded
from ssvif.errors import ServiceError

_START_SECONDS = 120.0
_DRAIN_SECONDS = 10.0
# As Prefect sets them for its own temporary server: no pages, no services of a lasting one.
_VARIABLES = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
}


@contextmanager
def server_at_hand() -> Iterator[None]:
    """Give the block a Prefect server: the configured one, or one that lasts as long as it.

    Raises:
        ServiceError: If it does not start.
    """
    if PREFECT_API_URL.value():
        yield
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [
        *(sys.executable, "-m", "uvicorn", "--app-dir", str(Path(prefect.__file__).parents[1])),
        *("--factory", "prefect.server.api.server:create_app", "--host", "127.0.0.1"),
        *("--port", port, "--log-level", "error", "--lifespan", "on"),
    ]
    with guarded(command, environment={**os.environ, **_VARIABLES}) as process:
        lines: list[str] = []
        # Read, lest the pipe fills up.
        threading.Thread(target=lambda: lines.extend(process.stdout or ()), daemon=True).start()
        address = f"http://127.0.0.1:{port}/api"
        if not comes_up(address, process, _START_SECONDS):
            raise ServiceError(
                f"the temporary Prefect server does not start ({_last(lines)}); start one with "
                "`prefect server start` and set PREFECT_API_URL"
            )
        with temporary_settings({PREFECT_API_URL: address}):
            try:
                yield
            finally:
                # What was logged last is still on its way.
                APILogWorker.drain_all(timeout=_DRAIN_SECONDS)


def _last(lines: list[str]) -> str:
    return lines[-1].strip() if lines else "it said nothing"
