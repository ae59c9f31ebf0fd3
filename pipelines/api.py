"""What is asked of a Prefect server without Prefect, whose import takes seconds."""

import subprocess
import threading
import time
from contextlib import suppress

import httpx

_GET_S = 5.0
_POLL_S = 0.1


def get_json(url: str) -> object:
    """Return what an address answers, or None where nothing does, or nothing that is JSON.

    Args:
        url: The address; through a proxy where the environment names one, as Prefect's own clients
            go, unless it is on this machine (`pipelines/__init__.py`).
    """
    with _client() as client:
        return _get(client, url)


def answers(api: str) -> bool:
    """Whether a Prefect server answers.

    Args:
        api: Its address, such as `http://127.0.0.1:4200/api`.
    """
    return get_json(_health(api)) is True


def comes_up(
    api: str,
    process: "subprocess.Popen[str]",
    limit_s: float,
    stop: threading.Event | None = None,
) -> bool:
    """Wait until a Prefect server answers; False if it ends before it does, or takes too long.

    Args:
        api: Its address.
        process: The server.
        limit_s: How long it may take, in seconds.
        stop: When set, nothing is waited for any more.
    """
    stop = stop or threading.Event()
    deadline = time.monotonic() + limit_s
    with _client() as client:  # one for all: a client takes a hundred times longer than a request
        while _get(client, _health(api)) is not True:
            late = time.monotonic() > deadline
            if late or process.poll() is not None or stop.wait(_POLL_S):
                return False
    return True


def _client() -> httpx.Client:
    return httpx.Client(timeout=_GET_S, follow_redirects=True)


def _get(client: httpx.Client, url: str) -> object:
    # A server that is not there, is not Prefect, or speaks no JSON.
    with suppress(httpx.HTTPError, httpx.InvalidURL, ValueError):
        return client.get(url).raise_for_status().json()
    return None


def _health(api: str) -> str:
    return f"{api}/health"
