import os
import signal
import subprocess
import sys
import time

import pytest

from pipelines import guard
from pipelines.dvc import guarded

GRACE_S = 1.0
# A stage with a child of its own; deaf ones do not listen to SIGTERM.
FAMILY = """
import os, signal, subprocess, sys, time
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = [sys.executable, "-c", "import time; time.sleep(600)"]
print(os.getpid(), subprocess.Popen(child).pid, flush=True)
time.sleep(600)
"""


def start(*words, grace_s=GRACE_S):
    """Start a guard as `guarded` does; return it and the family's two numbers."""
    command = [sys.executable, "-I", guard.__file__, str(grace_s), sys.executable, "-c", FAMILY]
    process = subprocess.Popen(
        [*command, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return process, [int(pid) for pid in process.stdout.readline().split()]


def wait_until_gone(group, seconds=20.0):
    deadline = time.monotonic() + seconds
    while guard.group_members(group):
        assert time.monotonic() < deadline, guard.group_members(group)
        time.sleep(0.02)


@pytest.mark.parametrize("code", [0, 3])
def test_guard__passes_on_the_exit_code(code):
    with guarded([sys.executable, "-c", f"raise SystemExit({code})"]) as process:
        assert process.wait() == code


def test_guard__a_command_that_a_signal_ended():
    command = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"]
    with guarded(command) as process:
        assert process.wait() == 128 + signal.SIGKILL


def test_guard__parent_that_is_gone_ends_the_family():
    process, family = start()
    assert set(family) < set(guard.group_members(process.pid))
    process.stdin.close()  # as the kernel does, however the parent ends
    wait_until_gone(process.pid)
    assert process.wait() == 128 + signal.SIGTERM


def test_guard__deaf_stage_is_killed_after_the_grace():
    process, _ = start("deaf")
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.stdout.read()
    wait_until_gone(process.pid)
    assert process.wait() == -signal.SIGKILL
    assert time.monotonic() - begin >= GRACE_S


def test_guard__a_child_that_the_command_left_is_ended():
    leave = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'input()'], stdin=-1)"
    with guarded([sys.executable, "-c", leave]) as process:
        assert process.wait() == 0
        assert guard.group_members(process.pid) == []


def test_guarded__killed_guard_ends_the_family():
    with guarded([sys.executable, "-c", FAMILY]) as process:
        process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        wait_until_gone(process.pid)


def test_guarded__kill_of_the_parent_leaves_nobody():
    script = (
        "import sys\n"
        "from pipelines.dvc import guarded\n"
        f"with guarded([sys.executable, '-c', {FAMILY!r}]) as process:\n"
        "    print(process.pid, process.stdout.readline(), flush=True)\n"
        "    process.wait()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    group = int(parent.stdout.readline().split()[0])
    assert len(guard.group_members(group)) == 3
    parent.kill()
    parent.wait()
    wait_until_gone(group)
