"""Runs on services: live, true after every end, and complete after a server came back."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ssvif.params import Params
from ssvif.tracking.push import push_records
from ssvif.tracking.record import read_record
from ssvif.tracking.run import track_stage
from ssvif.tracking.store import Store, open_client
from tests.services.servers import Service, mlflow_server, wait_until

pytestmark = pytest.mark.services

# A stage that logs a step whenever it is told to, and ends at the end of its input.
STAGE = """
import sys
from pathlib import Path
from ssvif.params import parse_params
from ssvif.tracking.run import track_stage

params = parse_params({"tracking": {"experiment": sys.argv[1]}})
with track_stage("s", params=params, record=Path("runs/s"), scratch=Path("c")) as run:
    for step, _ in enumerate(sys.stdin, 1):
        run.log(step, {"loss": 1.0 / step})
"""


class Stage:
    """A stage in a process of its own, that logs whenever it is told to."""

    def __init__(self, experiment):
        self.experiment = experiment
        command = [sys.executable, "-c", STAGE, experiment]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def log(self):
        self.process.stdin.write("go on\n")
        self.process.stdin.flush()

    def end(self):
        """End it in good order and return what it said."""
        _, said = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, said
        return said

    def runs(self):
        return runs_of(self.experiment)

    def has_pushed(self, steps):
        return any(run.data.metrics.get("loss") == pytest.approx(1 / steps) for run in self.runs())


def runs_of(experiment, name="s"):
    store = Store(open_client(), experiment)
    found = store.client.search_runs([store.experiment_id])
    return [run for run in found if run.info.run_name == name]


@pytest.fixture
def start(request):
    """Start stages, in an experiment of the test's own, that end with the test."""
    stages = []

    def started():
        stages.append(Stage(request.node.name))
        return stages[-1]

    yield started
    for stage in stages:
        stage.process.kill()
        stage.process.communicate()


@pytest.fixture
def stage(tracked, start):  # noqa: ARG001  # where its runs go
    return start()


def test_track_stage__metrics_are_there_while_it_runs(stage):
    stage.log()
    wait_until(lambda: stage.has_pushed(1), "the first step")
    stage.log()
    wait_until(lambda: stage.has_pushed(2), "the second step")
    assert [run.info.status for run in stage.runs()] == ["RUNNING"]
    assert stage.end() == ""
    assert [run.info.status for run in stage.runs()] == ["FINISHED"]


def test_track_stage__artifacts_come_back_from_s3(tracked, request, tmp_path):
    plot = tracked / "plot.txt"
    plot.write_text("a plot")
    params = Params.model_validate({"tracking": {"experiment": request.node.name}})
    with track_stage("s", params=params, record=tracked / "runs/s", live=False) as run:
        run.add_artifact(plot)
    (found,) = runs_of(request.node.name)
    assert found.info.artifact_uri.startswith(("s3://", "mlflow-artifacts:/"))
    (tmp_path / "back").mkdir()
    path = open_client().download_artifacts(found.info.run_id, "plot.txt", str(tmp_path / "back"))
    assert Path(path).read_text() == "a plot"


def test_track_stage__sigterm_marks_killed(stage):
    stage.log()
    wait_until(lambda: stage.has_pushed(1), "the first step")
    stage.process.send_signal(signal.SIGTERM)
    assert stage.process.wait(60) == -signal.SIGTERM
    assert [run.info.status for run in stage.runs()] == ["KILLED"]


def test_track_stage__one_killed_outright_is_reaped_by_the_next(tracked, stage):
    stage.log()
    wait_until(lambda: stage.has_pushed(1), "the first step")
    os.kill(stage.process.pid, signal.SIGKILL)
    stage.process.wait()
    assert [run.info.status for run in stage.runs()] == ["RUNNING"]
    params = Params.model_validate({"tracking": {"experiment": stage.experiment}})
    with track_stage("next", params=params, record=tracked / "runs/next", live=False):
        pass
    assert [run.info.status for run in stage.runs()] == ["KILLED"]


def test_track_stage__two_processes_on_a_fresh_database(
    postgres, start, bucket, tmp_path, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", postgres.create("fresh"))
    monkeypatch.setenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", bucket)
    monkeypatch.chdir(tmp_path)
    stages = [start() for _ in range(2)]
    for stage in stages:
        stage.log()
    assert [stage.end() for stage in stages] == ["", ""]
    runs = stages[0].runs()
    assert [run.info.status for run in runs] == ["FINISHED"] * 2
    assert len({run.data.tags["mlflow.parentRunId"] for run in runs}) == 1


def complete_after_death(service: Service, stage: Stage, tracked) -> None:
    """Kill a service under a running stage; the stage ends well, and a push completes its run."""
    stage.log()
    wait_until(lambda: stage.has_pushed(1), "the first step")
    service.kill()
    try:
        stage.log()
        said = stage.end()
    finally:
        service.start()
    assert "ssvif track push" in said
    assert len(said.strip().splitlines()) == 1
    assert len(read_record(tracked / "runs/s").rows) == 2
    assert push_records(tracked / "runs", experiment=stage.experiment) == ["s"]
    assert push_records(tracked / "runs", experiment=stage.experiment) == []
    runs = stage.runs()
    assert sorted(run.info.status for run in runs) == ["FINISHED", "KILLED"]
    (whole,) = [run for run in runs if run.info.status == "FINISHED"]
    assert whole.data.metrics["loss"] == pytest.approx(1 / 2)


def test_track_stage__server_killed_under_it(
    postgres, mlflow_tables, bucket, tmp_path, monkeypatch, start
):
    store = postgres.create("mortal", mlflow_tables)
    with mlflow_server(store, bucket) as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
        monkeypatch.chdir(tmp_path)
        complete_after_death(server, start(), tmp_path)


@pytest.mark.usefixtures("shared_store")
def test_track_stage__database_killed_under_it(postgres, tmp_path, monkeypatch, start):
    monkeypatch.chdir(tmp_path)
    complete_after_death(postgres.service, start(), tmp_path)
