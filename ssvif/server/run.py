"""Runs the server in this process until it is told to end."""

import logging
import signal
import socket
import warnings
from dataclasses import dataclass, field
from functools import partial
from types import FrameType

import uvicorn

from ssvif.errors import ServerError
from ssvif.server.app import build_app
from ssvif.server.keeper import POLL_SECONDS, Keeper
from ssvif.server.limits import Limits
from ssvif.server.metrics import Metrics
from ssvif.server.served import Runtime, load_served
from ssvif.server.service import Service
from ssvif.server.sources import Source

logger = logging.getLogger(__name__)

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_BACKLOG = 1024


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
    grace: int = 30
    poll: float = POLL_SECONDS
    access_log: bool = True
    limits: Limits = field(default_factory=Limits)
    runtime: Runtime = field(default_factory=Runtime)


class _Server(uvicorn.Server):
    """Says so when it shuts down, and ends with exit code 0 then."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Shut down at the first signal, at once at the second."""
        self._service.is_stopping = True
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what runs end."""
        logger.info("ending; what runs has %s seconds", self.config.timeout_graceful_shutdown)
        await super().shutdown(sockets)


def serve(source: Source, options: Options) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        source: Where the model comes from.
        options: How.

    Raises:
        ServerError: If the address cannot be used.
        SsvifError: If the model cannot be found, read or run.
    """
    _require_token(options)
    metrics = Metrics()
    load = partial(load_served, runtime=options.runtime)
    keeper = Keeper(source, load, metrics, poll=options.poll)
    service = Service(keeper, options.limits, metrics)
    app = build_app(service, token=options.token)
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        server_header=False,
        access_log=options.access_log,
        timeout_graceful_shutdown=options.grace,
        backlog=_BACKLOG,
    )
    quiet()
    server = _Server(config, service)
    keeper.on_failure = lambda: server.handle_exit(signal.SIGTERM, None)
    with _listen(options) as listening:
        logger.info("listening at %s", _address(listening))
        server.run(sockets=[listening])
    if keeper.failure:
        raise keeper.failure


def quiet() -> None:
    """Log requests, and not what parsers find in them: no sender fills the log."""
    logging.getLogger("uvicorn.access").setLevel(logging.INFO)
    for name in ("python_multipart", "PIL"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", category=UserWarning, module="PIL")


def _require_token(options: Options) -> None:
    is_local = options.host in _LOOPBACK or options.host.startswith("127.")
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
            listening.listen(_BACKLOG)
        except OSError:
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
