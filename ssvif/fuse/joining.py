"""Belonging to a Ray cluster: its address, what it is told, and whether its machines can fuse."""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ssvif import __version__
from ssvif.errors import ServiceError

LOCAL = "local"
AUTO = "auto"

# Paths alone are in Ray's store.
_LOCAL_STORE_BYTES = 128 << 20
_CONNECT_SECONDS = 5.0
_CHECK_SECONDS = 120.0


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Belong to a cluster until the block ends; one that the caller belongs to already stays.

    Args:
        address: `local` for the cores of this machine, `auto` for the cluster that it belongs to,
            or `HOST:PORT` of that cluster's head.

    Raises:
        ServiceError: If there is no such cluster, or one of its machines cannot fuse.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # or Ray reports to its makers
    options: dict[str, Any] = {}
    if address == LOCAL:
        _keep_to_this_machine()
        options = {"include_dashboard": False, "object_store_memory": _LOCAL_STORE_BYTES}
    elif address != AUTO:
        _require_reachable(address)
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ServiceError("--ray needs Ray; `pip install 'ssvif[ray]'` brings it") from error
    if ray.is_initialized():
        yield
        return
    try:
        ray.init(address=address, logging_level="WARNING", **options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ServiceError(f"--ray {address}: no cluster to join ({reason})") from error
    try:
        _require_able_machines()
        yield
    finally:
        ray.shutdown()


def _keep_to_this_machine() -> None:
    """Let Ray's processes listen on loopback, and obey nobody who has not this call's token.

    Ray reads all this from the environment: the first one as it is imported, and by a name that
    is of other systems. Its workers are nice by default, and starve where others work, too.
    """
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ.setdefault("RAY_worker_niceness", "0")
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


def _require_reachable(address: str) -> None:
    """Refuse what is no address, or where nobody listens: Ray would wait two minutes, and exit."""
    host, _, port = address.rpartition(":")
    if "/" in host or not host or not port.isdecimal():
        raise ServiceError(
            f"--ray {address}: expected {LOCAL}, {AUTO}, or HOST:PORT of the head, on a machine of "
            "the cluster"
        )
    try:
        socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ServiceError(
            f"--ray {address}: nobody answers there ({error}); see `ray status`", transient=True
        ) from error


def _require_able_machines() -> None:
    """Refuse a cluster with a machine that lacks this version of the package."""
    import ray
    from ray.exceptions import RayError, RayTaskError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    ask = ray.remote(num_cpus=0, max_retries=0)(_version)
    asked = {
        ask.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(machine["NodeID"], soft=False)
        ).remote(): machine["NodeManagerAddress"]
        for machine in ray.nodes()
        if machine["Alive"] and machine["Resources"].get("CPU")
    }
    ready, _ = ray.wait(list(asked), num_returns=len(asked), timeout=_CHECK_SECONDS)
    for answer in ready:
        try:
            found = ray.get(answer)
        except RayTaskError as error:
            found = str(error).strip().splitlines()[-1]
        except RayError:
            continue  # the machine is gone, and so gets no work
        if found != __version__:
            raise ServiceError(
                f"{asked[answer]}: found {found}, expected ssvif {__version__} as here; install it "
                "there, for the Python that runs Ray"
            )


def _version() -> str:
    return __version__
