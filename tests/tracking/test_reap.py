import os
import platform
import signal
import subprocess
import sys

import pytest

from ssvif.errors import TrackingError
from ssvif.tracking import facts
from ssvif.tracking.process import process_tag
from ssvif.tracking.reap import reap_runs
from ssvif.tracking.store import HOST_TAG, PROCESS_TAG, URI_VARIABLE

BOOT, PID, START = process_tag().split(":")
REUSED, REBOOTED = f"{BOOT}:{PID}:{int(START) + 1}", f"another-boot:{PID}:{START}"


@pytest.fixture
def running(open_store, params):
    """Make a child that runs, as if in some process."""

    def made(process=None, host=None, stage="s"):
        store = open_store()
        described = facts.describe_stage(stage, params, {})
        child = store.create(described)
        store.resume_parent(child, described)
        if process is not None:
            store.client.set_tag(child, PROCESS_TAG, process)
        if host is not None:
            store.client.set_tag(child, HOST_TAG, host)
        return child

    return made


@pytest.mark.parametrize("process", [REUSED, REBOOTED, ""], ids=["reused", "rebooted", "none"])
def test_reap_runs__a_dead_process_killed_its_run_and_the_parent(running, runs, parents, process):
    child = running(process)
    assert reap_runs("ssvif") == [child]
    assert [run.info.status for run in (*runs("s"), *parents())] == ["KILLED", "KILLED"]
    assert reap_runs("ssvif") == []


def test_reap_runs__a_live_process_keeps_its_run(running, runs, parents):
    running()
    assert reap_runs("ssvif") == []
    assert [run.info.status for run in (*runs("s"), *parents())] == ["RUNNING", "RUNNING"]


def test_reap_runs__other_machines_are_left_alone(running, runs, parents):
    running("another-boot:1:1", host=f"not-{platform.node()}")
    assert reap_runs("ssvif") == []
    assert [run.info.status for run in (*runs("s"), *parents())] == ["RUNNING", "RUNNING"]


def test_reap_runs__a_parent_with_another_live_child_goes_on(running, runs, parents):
    alive, dead = running(), running(REUSED, stage="t")
    assert reap_runs("ssvif") == [dead]
    assert [run.info.run_id for run in runs("s")] == [alive]
    assert [run.info.status for run in parents()] == ["RUNNING"]


@pytest.mark.parametrize("status", ["FINISHED", "FAILED"])
def test_reap_runs__a_parent_left_behind_takes_the_state_of_its_last_child(
    running, open_store, parents, status
):
    # as where a process is killed between the two
    open_store().client.set_terminated(running(), status)
    assert [run.info.status for run in parents()] == ["RUNNING"]
    assert reap_runs("ssvif") == []
    assert [run.info.status for run in parents()] == [status]


def test_finish__leaves_the_parent_running_while_another_child_is(running, open_store, parents):
    first, second = running(), running(stage="t")
    open_store().finish(first, "FINISHED", None)
    assert [run.info.status for run in parents()] == ["RUNNING"]
    open_store().finish(second, "FAILED", None)
    assert [run.info.status for run in parents()] == ["FAILED"]


STAGE = """
import time
from pathlib import Path
from ssvif.params import Params
from ssvif.tracking.run import track_stage

with track_stage("s", params=Params(seed=7), record=Path("s")) as run:
    run.log(1, {"a": 1.0})
    while not run._push._described:
        time.sleep(0.01)
    print("described", flush=True)
    time.sleep(60)
"""


def test_reap_runs__after_kill_9_nothing_is_left_running(project, runs, parents):
    stage = subprocess.Popen([sys.executable, "-c", STAGE], stdout=subprocess.PIPE, text=True)
    stage.stdout.readline()
    assert [run.info.status for run in runs("s")] == ["RUNNING"]
    os.kill(stage.pid, signal.SIGKILL)
    stage.wait()
    stage.stdout.close()
    (child,) = runs("s")
    assert reap_runs("ssvif") == [child.info.run_id]
    assert [run.info.status for run in (*runs("s"), *parents())] == ["KILLED", "KILLED"]
    assert not (project / "s").exists()


def test_reap_runs__makes_neither_store_nor_experiment(project, open_store):
    assert reap_runs("nobody") == []
    assert open_store().client.get_experiment_by_name("nobody") is None
    (project / "mlflow.db").unlink()
    assert reap_runs("ssvif") == []
    assert not (project / "mlflow.db").exists()


def test_reap_runs__unreachable_store_is_one_line(project, monkeypatch):
    monkeypatch.chdir(project)
    monkeypatch.setenv(URI_VARIABLE, "nonsense://nowhere")
    with pytest.raises(TrackingError, match=r"nonsense://nowhere: .* cannot be used"):
        reap_runs("ssvif")
