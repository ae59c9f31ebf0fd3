"""What the programs below the loop may phone; tests/retraining/test_sync.py has the whole loop."""

import sys

import pytest

from benchmarks.projects import tiny_project
from tests.network import missing_for_it, without_network

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


@pytest.fixture(autouse=True)
def namespaces():
    if missing_for_it():
        pytest.skip(missing_for_it())


def test_without_network__nothing_outside_is_reached(tmp_path):
    without_network(sys.executable, "-c", CONNECT, folder=tmp_path)


def test_telemetry__is_off_in_the_flows_own_process(tmp_path):
    project = tiny_project(tmp_path / "project", pairs=0)
    without_network(sys.executable, "-c", TELEMETRY, folder=project)
