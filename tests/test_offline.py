"""The whole loop in a namespace without a network, and what the programs below it may phone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.projects import tiny_project, write_captures

# Prefect's own server, where there is no other, is reached on loopback: that alone is brought up.
LOOPBACK = """
import fcntl, os, socket, struct, sys

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
with socket.socket() as device:
    fcntl.ioctl(device, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
os.execvp(sys.argv[1], sys.argv[1:])
"""
NO_NETWORK = ["unshare", "--map-root-user", "--net", sys.executable, "-c", LOOPBACK]

TELEMETRY = """
import pipelines.retrain
from dvc.analytics import is_enabled
from mlflow.telemetry.utils import is_telemetry_disabled
from prefect._internal.analytics.enabled import is_telemetry_enabled
from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_ANALYTICS_ENABLED
from ssvif.tracking.store import open_client

open_client()
assert not is_enabled(), "DVC"
assert is_telemetry_disabled(), "MLflow"
assert not is_telemetry_enabled(), "Prefect"
assert not PREFECT_SERVER_ANALYTICS_ENABLED.value(), "Prefect's server"
assert "prefect.cloud" not in (PREFECT_API_URL.value() or ""), "Prefect's cloud"
"""

CONNECT = """
import socket
try:
    socket.create_connection(("192.0.2.1", 80), timeout=5)
except OSError as error:
    raise SystemExit(0 if error.errno == 101 else f"{error}")
raise SystemExit("there is a network")
"""


def without_network(*command, folder, capture=False):
    """Run a command in a project as a user without a network would, and return what it said."""
    switches = ("DO_NOT_TRACK", "DVC_NO_", "MLFLOW_", "PREFECT_", "CI", "GITHUB_", "PYTEST_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(switches)}
    environment |= {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(folder),
        "PREFECT_HOME": str(folder / ".prefect"),
    }
    done = subprocess.run(
        [*NO_NETWORK, *command],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE if capture else None,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}: exit code {done.returncode}"
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def namespaces():
    if shutil.which("unshare") is None:
        pytest.skip("no unshare on this machine: apt-get install util-linux")
    tried = subprocess.run([*NO_NETWORK, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"a namespace without network is not permitted here: {tried.stderr.strip()}")


def test_without_network__nothing_outside_is_reached(tmp_path):
    without_network(sys.executable, "-c", CONNECT, folder=tmp_path)


def test_telemetry__is_off_in_the_flows_own_process(tmp_path):
    project = tiny_project(tmp_path / "project", pairs=0)
    without_network(sys.executable, "-c", TELEMETRY, folder=project)


@pytest.mark.slow
def test_loop__from_captures_to_rollback_and_fused_images(tmp_path):
    project = tiny_project(tmp_path / "project", pairs=20)

    def run(*command, capture=False):
        return without_network(*command, folder=project, capture=capture)

    retrain = (sys.executable, "-m", "pipelines.retrain")
    assert "Version 1 leads" in run(*retrain, capture=True)
    write_captures(project / "data/captures/second", pairs=12, seed=5)
    run(*retrain)
    why = ("--by", "rig", "--reason", "to see it lead")
    run("ssvif", "promote", "2", "--force", *why)
    assert "version 2" in run("ssvif", "champion", capture=True)
    run("ssvif", "rollback", *why)
    assert "version 1" in run("ssvif", "champion", capture=True)
    pairs = project / "data/captures/second"
    run("ssvif", "fuse", str(pairs / "vis"), str(pairs / "ir"), "-o", "fused")
    assert len(list((project / "fused").glob("*.png"))) == 12
