"""`python -m pipelines.deploy`: the whole loop on one machine, until interrupted.

It starts a Prefect server where none is configured, the process that runs the deployments, and the
watcher of the drop folder, each under a guard: when this process ends, however, they all end.
This process itself imports nothing of Prefect.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer
from filelock import FileLock, Timeout

from pipelines.api import answers, comes_up, get_json
from pipelines.dvc import guarded
from ssvif import console
from ssvif.errors import ServiceError
from ssvif.params import load_params

HOME = Path(".prefect")
PORT = 4200
_HOST = "127.0.0.1"
_START_S = 180.0
_POLL_S = 0.2


def settings(home: Path, port: int) -> dict[str, str]:
    """Return what Prefect's processes are told by their environment; what a user set stays.

    Args:
        home: Where Prefect keeps its own files.
        port: Of the local server, where none is configured.
    """
    defaults = {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://{_HOST}:{port}/api",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home}/prefect.db",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        # The second edition of the pages asks a tracker for its settings, analytics off or not.
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
        "PREFECT_CLI_COLORS": "false",
    }
    return {name: os.environ.get(name, value) for name, value in defaults.items()}


@contextmanager
def server(
    home: Path, port: int, environment: Mapping[str, str], stop: threading.Event
) -> Iterator[None]:
    """Give the block a Prefect server: the configured one, ours if it runs, or a new one.

    Args:
        home: Where Prefect keeps its own files.
        port: Of the local server.
        environment: What `settings` returned.
        stop: When set, a new one is not waited for.

    Raises:
        ServiceError: If there is none, and none can be started.
    """
    address = environment["PREFECT_API_URL"]
    if "PREFECT_API_URL" in os.environ:
        if not answers(address):
            raise ServiceError(
                f"{address}: no Prefect server answers; start it, or unset PREFECT_API_URL to have "
                "one started here",
                transient=True,
            )
        yield
    elif _is_free(port):
        command = ["prefect", "server", "start", "--host", _HOST, "--port", str(port)]
        command += ["--log-level", "warning"]
        with _running("server", [sys.executable, "-m", *command], environment) as process:
            if not comes_up(address, process, _START_S, stop) and not stop.is_set():
                raise ServiceError(
                    f"{address}: the Prefect server does not start; its last lines say why"
                )
            yield
    elif _home_of(address) == home:
        yield
    else:
        raise ServiceError(
            f"port {port} is taken, and not by this project's Prefect server; name another one "
            "with --port, or end what listens there"
        )


def deploy(port: int, drop: str, stop: threading.Event) -> None:
    """Serve and watch until told to stop, or one of the processes ends.

    Args:
        port: Of the local server.
        drop: The drop folder, or `s3://BUCKET/PREFIX`.
        stop: Ends it when set.

    Raises:
        ServiceError: If there is no server, or a process ends by itself.
    """
    home = HOME.absolute()
    environment = settings(home, port)
    with ExitStack() as stack:
        stack.enter_context(_only_one(home))
        stack.enter_context(server(home, port, environment, stop))
        if stop.is_set():
            return
        typer.echo(f"Prefect: {environment['PREFECT_API_URL'].removesuffix('/api')}")
        commands = {
            "flows": [sys.executable, "-m", "pipelines.serve"],
            "watch": [sys.executable, "-m", "pipelines.watch", "--drop", drop],
        }
        processes = {
            name: stack.enter_context(_running(name, command, environment))
            for name, command in commands.items()
        }
        while not stop.wait(_POLL_S):
            for name, process in processes.items():
                if process.poll() is not None:
                    raise ServiceError(
                        f"{name} ended by itself (exit code {process.returncode}); its last lines "
                        "say why"
                    )
        typer.echo("ending")


@contextmanager
def _running(
    name: str, command: list[str], environment: Mapping[str, str]
) -> "Iterator[subprocess.Popen[str]]":
    """Run a command under a guard, and pass on what it says."""
    with guarded(command, environment=environment) as process:

        def relay() -> None:
            # The guard closes the stream while it is read.
            with suppress(ValueError, OSError):
                for line in filter(str.strip, process.stdout or ()):
                    typer.echo(f"{name}: {line.rstrip()}")

        threading.Thread(target=relay, daemon=True).start()
        yield process


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home / "deploy.lock", timeout=0):
            yield
    except Timeout:
        raise ServiceError(
            f"{home / 'deploy.lock'}: this project is deployed already; end that process first"
        ) from None


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


def _home_of(address: str) -> Path | None:
    """Return where the Prefect server at an address keeps its files."""
    content = get_json(f"{address}/admin/settings")
    return Path(str(content["home"])) if isinstance(content, dict) and "home" in content else None


def main(
    port: Annotated[int, typer.Option(help="Of the local Prefect server.")] = PORT,
    drop: Annotated[str, typer.Option(help="Drop folder, or s3://BUCKET/PREFIX.")] = "",
) -> None:
    """Serve the deployments and watch for deliveries, until interrupted."""
    # Each look at whether the server answers is not worth a line.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    deploy(port, drop or load_params().retraining.drop, stop)


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
