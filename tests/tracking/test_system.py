import threading
import time

import pytest

from ssvif.tracking import live
from ssvif.tracking.record import read_record
from ssvif.tracking.run import track_stage


@pytest.fixture
def _samples_often(monkeypatch):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
    monkeypatch.setattr(live, "FLUSH_SECONDS", 0.05)


def run_until(params, project, done):
    """Run a stage until `done` says so, or half a minute has gone by."""
    with track_stage("s", params=params, record=project / "s") as run:
        run.log(1, {"a": 1.0})
        deadline = time.monotonic() + 30
        while not done() and time.monotonic() < deadline:
            threading.Event().wait(0.05)


def monitors():
    return [thread for thread in threading.enumerate() if thread.name == "SystemMetricsMonitor"]


@pytest.mark.usefixtures("_samples_often")
def test_track_stage__system_metrics_reach_mlflow_and_not_the_record(
    project, params, runs, open_store
):
    store = open_store()

    def sampled():
        found = store.client.search_runs([store.experiment_id], "attributes.status = 'RUNNING'")
        return any("system/cpu_utilization_percentage" in run.data.metrics for run in found)

    run_until(params, project, sampled)
    (child,) = runs("s")
    assert child.info.status == "FINISHED"
    assert 0.0 <= child.data.metrics["system/system_memory_usage_percentage"] <= 100.0
    assert [set(row.values) for row in read_record(project / "s").rows] == [{"a"}]
    assert monitors() == []


def test_track_stage__a_monitor_that_fails_stops_nothing(project, params, runs, monkeypatch):
    calls = []

    def fail(monitor):
        calls.append(monitor)
        raise RuntimeError("no such counter")

    monkeypatch.setattr("mlflow.system_metrics.system_metrics_monitor.CPUMonitor.__init__", fail)
    run_until(params, project, lambda: calls)
    (child,) = runs("s")
    assert child.info.status == "FINISHED"
    assert child.data.metrics == {"a": 1.0}


def test_track_stage__short_stages_are_not_watched(project, params, runs):
    with track_stage("s", params=params, record=project / "s", live=False) as run:
        run.log(0, {"a": 1.0})
    (child,) = runs("s")
    assert child.data.metrics == {"a": 1.0}
