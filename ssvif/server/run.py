"""Runs the server in this process until it is told to end."""

import ipaddress
import logging
import os
import signal
import socket
import threading
import warnings
from dataclasses import dataclass, field
from functools import partial
from types import FrameType

import uvicorn

from ssvif.errors import ServerError
from ssvif.server.app import build_app
from ssvif.server.keeper import Keeper
from ssvif.server.limits import GRACE_SECONDS, POLL_SECONDS, Limits
from ssvif.server.metrics import Metrics
from ssvif.server.served import Runtime, load_served
from ssvif.server.service import Service
from ssvif.server.sources import Source

logger = logging.getLogger(__name__)

_BACKLOG = 1024
_TO_CLOSE = 1.0  # seconds that the server has to close, after the grace of what runs


@dataclass(frozen=True)
class Options:
    """How a server runs.

    Args:
        host: Address to listen at.
        port: Port; 0 for any that is free.
        token: Who sends it may come in; None lets everybody.
        open_to_all: Let everybody in from other machines, too.
        grace: Seconds that requests may take to end when the server shuts down.
        poll: Seconds from look to look whether the champion moved.
        access_log: Whether every request is logged.
        limits: Of requests.
        runtime: What runs the model.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    open_to_all: bool = False
    grace: int = GRACE_SECONDS
    poll: float = POLL_SECONDS
    access_log: bool = True
    limits: Limits = field(default_factory=Limits)
    runtime: Runtime = field(default_factory=Runtime)


class _Server(uvicorn.Server):
    """Says so when it shuts down, and ends with exit code 0 then.

    Args:
        config: Of uvicorn.
        service: Told that it shuts down.
        grace: Seconds that what runs has then.
    """

    def __init__(self, config: uvicorn.Config, service: Service, grace: int) -> None:
        super().__init__(config)
        self._service, self._grace = service, grace
        # Python itself waits for all threads' work, asyncio for minutes.
        self.deadline = threading.Timer(grace + _TO_CLOSE, _end)
        self.deadline.daemon = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Shut down at the first signal, at once at the second."""
        if self.should_exit:
            # In a thread: what was interrupted may hold the log.
            threading.Thread(target=_end, daemon=True).start()
        self._service.is_stopping = self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what runs end."""
        logger.info("ending; what runs has %s seconds", self._grace)
        self.deadline.start()
        await super().shutdown(sockets)


def _end() -> None:
    """End the process, whatever its threads do."""
    logger.warning("ended before all that ran was done")
    logging.shutdown()
    os._exit(0)


def serve(source: Source, options: Options) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        source: Where the model comes from.
        options: How.

    Raises:
        ServerError: If the address cannot be used.
        SsvifError: If the model cannot be found, read or run.
    """
    metrics = Metrics()
    load = partial(load_served, runtime=options.runtime)
    keeper = Keeper(source, load, metrics, poll=options.poll)
    service = Service(keeper, options.limits, metrics)
    app = build_app(service, token=options.token)
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="error",  # its warnings are of what anybody may send
        ws="none",
        server_header=False,
        access_log=options.access_log,
        timeout_graceful_shutdown=options.grace,
        backlog=_BACKLOG,
    )
    quiet()
    server = _Server(config, service, options.grace)
    keeper.on_failure = lambda: server.handle_exit(signal.SIGTERM, None)
    with _listen(options) as listening:
        logger.info("listening at %s", _address(listening))
        server.run(sockets=[listening])
    if not service.workers.running:
        server.deadline.cancel()
    if keeper.failure:
        raise keeper.failure


def quiet() -> None:
    """Log requests, and not what parsers find in them: no sender fills the log."""
    logging.getLogger("uvicorn.access").setLevel(logging.INFO)
    for name in ("python_multipart", "PIL"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", category=UserWarning, module="PIL")


def _require_token(options: Options, address: str) -> None:
    """Refuse an address that other machines can reach, where anybody may come in.

    Args:
        options: The server's.
        address: The numbers that its host stands for.
    """
    is_local = ipaddress.ip_address(address).is_loopback
    if not (is_local or options.token or options.open_to_all):
        raise ServerError(
            f"--host {options.host}: other machines can reach it, and there is no token; set "
            "SSVIF_TOKEN or give --token-file, or say --without-token"
        )


def _listen(options: Options) -> socket.socket:
    try:
        found = socket.getaddrinfo(
            options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        # With its protocol said, or asyncio takes it for no TCP and lets responses wait for 40 ms
        # (Nagle's algorithm).
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            _require_token(options, listening.getsockname()[0])
            listening.listen(_BACKLOG)
        except (OSError, ServerError):
            listening.close()
            raise
    except OSError as error:
        raise ServerError(
            f"{options.host}:{options.port}: cannot listen there ({error.strerror}); choose "
            "another --host or --port"
        ) from error
    return listening


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
