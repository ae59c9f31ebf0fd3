import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from ssvif.files import sha256_folder
from ssvif.tracking import facts
from ssvif.tracking.record import read_record
from ssvif.tracking.run import track_stage
from ssvif.tracking.store import RECORD_TAG, URI_VARIABLE, Store


def test_track_stage__importing_it_leaves_mlflow_alone():
    code = "import sys, ssvif.tracking.run; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_track_stage__fills_record_and_store(project, params, runs):
    plot = project / "plot.txt"
    plot.write_text("a plot")
    record = project / "runs" / "stage_one"
    with track_stage("stage_one", params=params, record=record, tags={"note": "mine"}) as run:
        for step in range(1, 4):
            run.log(step, {"loss": 1.0 / step})
        run.add_artifact(plot)
    (child,) = runs("stage_one")
    assert child.info.status == "FINISHED"
    assert child.data.metrics["loss"] == pytest.approx(1 / 3)
    assert child.data.params["seed"] == "7"
    assert child.data.params["stage_one.steps"] == "3"
    assert child.data.tags["note"] == "mine"
    assert child.data.tags[facts.PARAMS_TAG] == read_record(record).facts.tags[facts.PARAMS_TAG]
    assert child.data.tags[RECORD_TAG] == sha256_folder(record)
    assert (project / "mlartifacts" / child.info.run_id / "artifacts/plot.txt").is_file()


def test_track_stage__stages_share_one_parent(project, params, runs, parents):
    for stage in ("evaluate", "register"):
        with track_stage(stage, params=params, record=project / "runs" / stage, live=False) as run:
            run.log(0, {"x": 1.0})
    (parent,) = parents()
    children = [
        runs(stage)[0].data.tags["mlflow.parentRunId"] for stage in ("evaluate", "register")
    ]
    assert children == [parent.info.run_id] * 2
    assert parent.info.status == "FINISHED"


def test_track_stage__parent_says_what_its_children_come_from(
    project, params, parents, monkeypatch
):
    for commit in ("a" * 40, "b" * 40):
        monkeypatch.setattr(facts, "_revision", lambda commit=commit: (commit, "true"))
        with track_stage("s", params=params, record=project / "s", live=False):
            pass
    (parent,) = parents()
    assert parent.info.run_name.startswith("3+2+1 steps, seed 7 (")
    assert parent.data.tags[facts.COMMIT_TAG] == "b" * 40
    assert parent.data.tags["mlflow.source.git.commit"] == "b" * 40
    assert parent.data.tags[facts.DIRTY_TAG] == "true"
    tags = read_record(project / "s").facts.tags
    for key in (facts.MANIFEST_TAG, facts.PIPELINE_PARAMS_TAG):
        assert parent.data.tags[key] == tags[key]


def test_track_stage__what_is_logged_during_a_push_comes_with_the_next(
    project, params, runs, monkeypatch
):
    sent = threading.Event()
    push = Store.log

    def slow(self, run_id, rows):
        push(self, run_id, rows)
        if rows and not sent.is_set():
            run.log(2, {"late": 1.0})
            sent.set()

    monkeypatch.setattr(Store, "log", slow)
    with track_stage("s", params=params, record=project / "s") as run:
        run.log(1, {"early": 1.0})
        assert sent.wait(30)
    (child,) = runs("s")
    assert child.data.metrics["late"] == 1.0


def test_track_stage__a_store_that_stumbles_gets_one_child(project, params, runs, monkeypatch):
    monkeypatch.setattr("ssvif.tracking.live._PAUSE_AFTER_FAILURE", 0.01)
    describe, failures = Store.describe, [ConnectionError("try later")] * 3

    def stumble(self, run_id, stage_facts):
        if failures:
            raise failures.pop()
        describe(self, run_id, stage_facts)

    monkeypatch.setattr(Store, "describe", stumble)
    with track_stage("s", params=params, record=project / "s") as run:
        run.log(1, {"a": 1.0})
        deadline = time.monotonic() + 30
        while failures and time.monotonic() < deadline:
            threading.Event().wait(0.01)
    (child,) = runs("s")
    assert failures == []
    assert child.info.status == "FINISHED"
    assert child.data.params["seed"] == "7"


def log_steps(run, first, last):
    for step in range(first, last + 1):
        run.log(step, {"loss": 10.0 - step})


def log_steps_and_fail(params, project):
    places = {"record": project / "b", "scratch": project / "c"}
    with track_stage("broken", params=params, **places) as run:
        log_steps(run, 1, 5)
        raise ValueError("out of luck")


def test_track_stage__resumed_run_equals_an_unbroken_one(project, params, runs):
    with track_stage("whole", params=params, record=project / "a") as run:
        log_steps(run, 1, 6)
    with pytest.raises(ValueError, match="out of luck"):
        log_steps_and_fail(params, project)
    assert not (project / "b").exists()
    with track_stage("broken", params=params, record=project / "b", scratch=project / "c") as run:
        run.rewind(4)
        assert [row.step for row in run.rows] == [1, 2, 3, 4]
        log_steps(run, 5, 6)
    assert (project / "b/metrics.csv").read_bytes() == (project / "a/metrics.csv").read_bytes()
    assert sorted(run.info.status for run in runs("broken")) == ["FAILED", "FINISHED"]


def fail_shortly(params, project):
    with track_stage("s", params=params, record=project / "s", live=False):
        raise ValueError("wrong")


def test_track_stage__failure_of_a_short_stage_is_told(project, params, runs, parents):
    with track_stage("before", params=params, record=project / "before", live=False):
        pass
    with pytest.raises(ValueError, match="wrong"):
        fail_shortly(params, project)
    assert not (project / "s").exists()
    assert [run.info.status for run in runs("s")] == ["FAILED"]
    assert [run.info.status for run in parents()] == ["FAILED"]


def test_track_stage__discarded_leaves_nothing(project, params, runs):
    with track_stage("s", params=params, record=project / "s", live=False) as run:
        run.log(0, {"a": 1.0})
        run.discard()
    assert not (project / "s").exists()
    assert runs("s") == []


def test_rewind__after_the_first_log_is_refused(project, params):
    with track_stage("s", params=params, record=project / "s", live=False) as run:
        run.log(1, {"a": 1.0})
        with pytest.raises(RuntimeError, match="before the first log"):
            run.rewind(0)


@pytest.fixture
def closed_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener.getsockname()[1]


def test_track_stage__dead_server_neither_stops_nor_slows(
    project, params, monkeypatch, caplog, closed_port
):
    monkeypatch.setenv(URI_VARIABLE, f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    caplog.set_level(logging.WARNING, "ssvif")
    with track_stage("s", params=params, record=project / "s") as run:
        begin = time.perf_counter()
        for step in range(1, 1001):
            run.log(step, {"loss": 1.0})
        # A wait for the server at each step would take minutes; a busy machine takes seconds.
        assert time.perf_counter() - begin < 30.0
    assert len(read_record(project / "s").rows) == 1000
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 1
    assert "ssvif track push" in warnings[0]


def test_track_stage__address_that_makes_no_sense(project, params, monkeypatch, caplog):
    monkeypatch.setenv(URI_VARIABLE, "nonsense://nowhere")
    with track_stage("s", params=params, record=project / "s", live=False) as run:
        run.log(0, {"a": 1.0})
    assert (project / "s/metrics.csv").is_file()
    assert [record.name for record in caplog.records] == ["ssvif.tracking.live"]


STAGE = """
import sys, time
from pathlib import Path
from ssvif.params import Params
from ssvif.tracking import live
from ssvif.tracking.run import track_stage

# A store is told, however busy the machine is.
live._LAST_FLUSH_SECONDS = live._LAST_FLUSH_SECONDS_KILLED = 240.0
with track_stage("s", params=Params(), record=Path("s"), scratch=Path("c")) as run:
    run.log(1, {"a": 1.0})
    run._push._ending.wait(float(sys.argv[1]))
    print("started", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def start(*arguments):
    command = [sys.executable, "-c", STAGE, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_track_stage__sigterm_marks_killed_and_ends_by_the_signal(project, runs):
    stage = start(0, 60)
    stage.stdout.readline()
    stage.send_signal(signal.SIGTERM)
    assert stage.wait(300) == -signal.SIGTERM
    stage.stdout.close()
    (run,) = runs("s")
    assert run.info.status == "KILLED"
    assert not (project / "s").exists()
    assert (project / "c/metrics.jsonl").read_text().count("\n") == 1


ENDING = """
import time
from pathlib import Path
from ssvif.params import Params
from ssvif.tracking import live
from ssvif.tracking.run import track_stage
from ssvif.tracking.store import Store

live._LAST_FLUSH_SECONDS_KILLED = 240.0

finish = Store.finish

def slow(self, run_id, status, record):
    if status == "FINISHED":
        print("ending", flush=True)
        time.sleep(3)
    finish(self, run_id, status, record)

Store.finish = slow
with track_stage("s", params=Params(), record=Path("s")) as run:
    run.log(1, {"a": 1.0})
"""


def test_track_stage__sigterm_while_it_ends_marks_killed(runs, parents):
    command = [sys.executable, "-c", ENDING]
    stage = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    stage.stdout.readline()
    stage.send_signal(signal.SIGTERM)
    assert stage.wait(300) == -signal.SIGTERM
    stage.stdout.close()
    assert [run.info.status for run in runs("s")] == ["KILLED"]
    assert [run.info.status for run in parents()] == ["KILLED"]


@pytest.mark.slow
def test_track_stage__two_processes_on_a_fresh_store(project, runs):
    (project / "mlflow.db").unlink()
    stages = [start(0, 0) for _ in range(2)]
    assert [stage.wait(300) for stage in stages] == [0, 0]
    for stage in stages:
        stage.stdout.close()
    assert [run.info.status for run in runs("s")] == ["FINISHED"] * 2
    assert len({run.data.tags["mlflow.parentRunId"] for run in runs("s")}) == 1


def test_track_stage__handler_of_sigterm_is_put_back(project, params):
    before = signal.getsignal(signal.SIGTERM)
    with track_stage("s", params=params, record=project / "s", live=False):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_track_stage__a_killed_process_is_reaped_by_the_next(project, params, runs, open_store):
    store = open_store()
    dead = store.create(facts.describe_stage("s", params, {}))
    store.client.set_tag(dead, "ssvif.process", f"boot:{os.getpid()}:1")
    with track_stage("next", params=params, record=project / "next", live=False):
        pass
    (run,) = runs("s")
    assert run.info.status == "KILLED"
