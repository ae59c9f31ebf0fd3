import os
import subprocess
import sys

import pytest

from ssvif.retraining.leftovers import VARIABLE, end_leftovers, leftover_processes

DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); input()"


@pytest.fixture
def start(tmp_path):
    """Start a process that works for a retraining in a folder below the test's own."""
    started = []

    def begin(name, code="print(flush=True); input()"):
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, VARIABLE: str(tmp_path / name)},
            start_new_session=True,
        )
        process.stdout.readline()
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


def test_leftover_processes__those_of_this_folder_only(tmp_path, start):
    own = start("one")
    start("one-more")
    assert leftover_processes(tmp_path / "one") == [own.pid]


def test_end_leftovers__ends_them_whatever_their_group(tmp_path, start):
    own, other = start("one"), start("two")
    assert end_leftovers(tmp_path / "one") == 1
    assert own.wait() != 0
    assert other.poll() is None


def test_end_leftovers__deaf_ones_are_killed(tmp_path, start):
    own = start("one", DEAF)
    assert end_leftovers(tmp_path / "one", grace_s=0.3) == 1
    assert own.wait() == -9


def test_end_leftovers__nobody(tmp_path):
    assert end_leftovers(tmp_path) == 0
