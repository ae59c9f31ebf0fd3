"""The deployment as a user starts it: deliveries are dropped, and a retraining starts by itself."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from benchmarks.projects import tiny_project, write_captures

pytestmark = pytest.mark.slow

START_S, INGEST_S, RETRAIN_S, END_S = 240.0, 300.0, 900.0, 60.0
# Ten pairs of three deliveries are for training, and make a retraining due; those of two do not.
PAIRS = {"street--1": range(8), "street--2": range(8, 14), "street--3": range(14, 24)}


class Loop:
    """A project that is deployed."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        self.log = folder / "deploy.log"
        self.process = None

    def start(self):
        left_out = ("PREFECT_", "MLFLOW_")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pipelines.deploy", "--port", str(self.port)],
                cwd=self.folder,
                env={**environment, "OMP_NUM_THREADS": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def ask(self, what, **content):
        url = f"http://127.0.0.1:{self.port}/api/{what}/filter"
        # On a busy machine Prefect's server has been silent for half a minute.
        return httpx.post(url, json=content, timeout=START_S).raise_for_status().json()

    def names(self, what):
        try:
            return {found["name"] for found in self.ask(what)}
        except httpx.HTTPError:
            return set()

    def runs(self, deployment, *states):
        """Return the runs of a deployment that are in one of the states."""
        query = {"deployments": {"name": {"any_": [deployment]}}}
        return [run for run in self.ask("flow_runs", **query) if run["state_type"] in states]

    def entry(self, name):
        path = self.folder / "data/deliveries" / f"{name}.json"
        return json.loads(path.read_text()) if path.is_file() else {}

    def wait(self, met, seconds, what):
        deadline = time.monotonic() + seconds
        while not met():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, f"{what}:\n{self.log.read_text()}"
            time.sleep(0.5)


def living(folder):
    """Return the command lines of processes that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve().is_relative_to(folder):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return [line for line in found if line]


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    """Captures as a rig has them."""
    folder = tmp_path_factory.mktemp("rig") / "street"
    write_captures(folder, pairs=24)
    return folder


@pytest.fixture(scope="module")
def loop(tmp_path_factory):
    folder = tiny_project(
        tmp_path_factory.mktemp("loop") / "project",
        pairs=0,
        overrides={"retraining": {"quiet_seconds": 3.0, "min_new_pairs": 10}},
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        loop = Loop(folder, probe.getsockname()[1])
    loop.start()
    yield loop
    loop.process.kill()
    deadline = time.monotonic() + END_S
    while living(folder):
        assert time.monotonic() < deadline, living(folder)
        time.sleep(0.5)


def deliver(loop, rig, name, *, marked):
    folder = loop.folder / "data/drop" / name
    for kind in ("vis", "ir"):
        (folder / kind).mkdir(parents=True)
        files = sorted((rig / kind).iterdir())
        for number in PAIRS[name]:
            shutil.copy(files[number], folder / kind)
    if marked:
        (folder / "_COMPLETE").touch()


# One story in the order of its tests: each takes what the one before it left.
def test_deploy__serves_every_deployment(loop):
    expected = {"ingest", "retrain", "monitor", "reap", "fuse-batch"}
    loop.wait(lambda: expected <= loop.names("deployments"), START_S, "no deployments")
    loop.wait(lambda: "watching" in loop.log.read_text(), START_S, "no watcher")


def test_deploy__schedules_make_runs(loop):
    loop.wait(lambda: loop.runs("ingest", "SCHEDULED"), START_S, "nothing is scheduled")


def test_deploy__two_deliveries_and_a_bad_one_make_nothing_due(loop, rig):
    bad = loop.folder / "data/drop/bad"
    (bad / "vis").mkdir(parents=True)
    shutil.copy(next((rig / "vis").iterdir()), bad / "vis")
    (bad / "_COMPLETE").touch()
    deliver(loop, rig, "street--1", marked=True)
    deliver(loop, rig, "street--2", marked=False)
    for name in ("street--1", "street--2", "bad"):
        loop.wait(lambda name=name: loop.entry(name).get("announced"), INGEST_S, name)
    assert loop.entry("bad")["state"] == "refused"
    assert "none has its other half" in (bad / "_REFUSED.txt").read_text()
    assert loop.entry("street--1")["accepted"] == 8
    assert loop.entry("street--2")["accepted"] == 6
    assert loop.ask("flow_runs", deployments={"name": {"any_": ["retrain"]}}) == []


def test_deploy__the_third_delivery_starts_a_retraining_by_itself(loop, rig):
    deliver(loop, rig, "street--3", marked=True)
    loop.wait(lambda: loop.entry("street--3").get("announced"), INGEST_S, "street--3")
    ends = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
    loop.wait(lambda: loop.runs("retrain", *ends), RETRAIN_S, "no retraining ended")
    (run,) = loop.runs("retrain", *ends)
    assert run["state_type"] == "COMPLETED", loop.log.read_text()
    assert run["created_by"]["type"] == "AUTOMATION"
    assert (loop.folder / "models/champion/weights.safetensors").is_file()


def test_deploy__sigterm_ends_everything_and_a_second_start_doubles_nothing(loop):
    before = loop.names("automations")
    loop.process.send_signal(signal.SIGTERM)
    assert loop.process.wait(END_S) == 0
    assert living(loop.folder) == []
    loop.log.unlink()
    loop.start()
    loop.wait(lambda: "watching" in loop.log.read_text(), START_S, "no watcher")
    loop.wait(lambda: loop.names("automations"), START_S, "no automations")
    automations = [found["name"] for found in loop.ask("automations")]
    assert sorted(automations) == sorted(before)
    deployments = [found["name"] for found in loop.ask("deployments")]
    assert len(deployments) == len(set(deployments))


def test_deploy__killed_leaves_no_orphan(loop):
    loop.process.kill()
    loop.process.wait(END_S)
    deadline = time.monotonic() + END_S
    while living(loop.folder):
        assert time.monotonic() < deadline, living(loop.folder)
        time.sleep(0.5)
