"""Retrainings of a tiny project, as a user starts them: disturbed, killed, and two at once."""

import os
import signal
import subprocess
import sys
import time

import pytest

from benchmarks import kills
from benchmarks.projects import git, tiny_project
from ssvif.retraining.state import HOME

pytestmark = pytest.mark.slow

LIMIT_S = 900.0
END_S = 120.0  # the stages' grace, and what is put back, on a machine that does other work


class Project:
    """A tiny project, and commands in it."""

    def __init__(self, folder):
        self.folder = tiny_project(folder / "project")
        self.logs = folder

    def start(self, *options, name="flow"):
        own = ("PREFECT_", "MLFLOW_", "SSVIF_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(own)}
        return subprocess.Popen(
            [sys.executable, "-m", "pipelines.retrain", *options],
            cwd=self.folder,
            env={**kept, "PREFECT_HOME": str(self.logs / "prefect"), "OMP_NUM_THREADS": "1"},
            stdout=self.log(name).open("wb"),
            stderr=subprocess.STDOUT,
        )

    def log(self, name="flow"):
        return self.logs / f"{name}.log"

    def wait_for(self, words, process, name="flow"):
        deadline = time.monotonic() + LIMIT_S
        while words not in self.log(name).read_text():
            assert process.poll() is None, self.log(name).read_text()[-3000:]
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Project(tmp_path_factory.mktemp("real").resolve())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_retrain__told_to_end_leaves_nobody_and_a_worktree_to_go_on_with(project, number):
    process = project.start()
    project.wait_for("> python -m ssvif.stages.stage_one", process)
    process.send_signal(number)
    process.wait(END_S)
    deadline = time.monotonic() + END_S
    while kills.processes_in(project.folder):
        assert time.monotonic() < deadline, kills.processes_in(project.folder)
        time.sleep(0.1)
    assert len(list((project.folder / HOME).glob("*.json"))) == 1


def test_retrain__too_long_is_refused_and_nobody_is_left(project):
    process = project.start("--limit-hours", "0.0003")
    assert process.wait(LIMIT_S) == 2
    assert "not done within 1.08 s" in project.log().read_text()
    assert kills.processes_in(project.folder) == []


def test_retrain__two_at_once_make_one_champion(project):
    first = project.start(name="first")
    second = project.start("--set", "stage_two.steps=5", name="second")
    assert [first.wait(LIMIT_S), second.wait(LIMIT_S)] == [0, 0], (
        project.log("first").read_text()[-3000:] + project.log("second").read_text()[-3000:]
    )
    assert len(git(project.folder, "tag", "--list", "retrain/*").split()) == 2
    assert git(project.folder, "worktree", "list").count("\n") == 0
    assert list((project.folder / HOME).glob("*.json")) == []
    assert (project.folder / "models/champion/weights.safetensors").is_file()
