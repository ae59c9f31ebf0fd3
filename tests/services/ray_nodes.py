"""A Ray cluster of several nodes on this machine, each as good as a machine of its own."""

import contextlib
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest


class RayNodes:
    """A head that does no work, and workers of one core each."""

    def __init__(self, folder, workers: int) -> None:
        from ray.cluster_utils import Cluster

        self._cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "include_dashboard": False,
                "temp_dir": folder,
                "object_store_memory": 100 << 20,
            },
        )
        self.address = self._cluster.address
        self._workers = [self.add() for _ in range(workers)]

    def add(self):
        return self._cluster.add_node(num_cpus=1, object_store_memory=100 << 20)

    def kill_one(self) -> None:
        """End a worker with all its processes at once, as a power failure does."""
        (raylet,) = self._workers.pop().all_processes["raylet"]
        raylet = psutil.Process(raylet.process.pid)
        for process in (raylet, *raylet.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def shutdown(self) -> None:
        self._cluster.shutdown()


@contextmanager
def ray_nodes(workers: int) -> Iterator[RayNodes]:
    """Run a cluster until the block ends, on loopback, with a token of its own."""
    with (
        # Short, as a socket's path must be.
        tempfile.TemporaryDirectory(prefix="ssvif-ray-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in environment().items():
            patch.setenv(name, value)
        # Ray notes the cluster's address in a folder that it expects to be there.
        patch.setenv("RAY_TMPDIR", folder)
        Path(folder, "ray").mkdir()
        nodes = RayNodes(folder, workers)
        try:
            yield nodes
        finally:
            nodes.shutdown()


def environment() -> dict[str, str]:
    """Return what keeps Ray quiet, to loopback, and to whom has the token."""
    return {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_worker_niceness": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
    }
