"""`python guard.py GRACE COMMAND...`: runs a command that must not outlive the one who wants it.

The guard leads a session of its own. Its standard input is a pipe that its parent holds and never
writes to: however the parent ends, kill -9 among the ways, the kernel closes the pipe. Then, on
SIGTERM, and when the command has ended, every process of the group is told to end, and after the
grace killed. It needs nothing but the standard library, and starts in a few hundredths of a second.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

_POLL_SECONDS = 0.05
_KILLED = 128 + signal.SIGKILL


def guard(command: Sequence[str], grace_s: float) -> int:
    """Run a command, and leave nothing of this process's group alive but this process.

    Args:
        command: What to run.
        grace_s: How long the group may take to end once it is told to.

    Returns:
        The command's exit code; 128 and the signal's number where one ended it.
    """
    ending = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ending.set()

    # The guard outlives the signal that it passes on; the command gets the default back.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=_wait_for_parent, args=[ending], daemon=True).start()
    while process.poll() is None and not ending.wait(_POLL_SECONDS):
        pass
    _end_group(process, grace_s)
    code = process.poll()
    if code is None:
        return _KILLED
    return code if code >= 0 else 128 - code


def _wait_for_parent(ending: threading.Event) -> None:
    # Unbuffered: a buffered reader holds a lock that the interpreter wants when it ends.
    while os.read(sys.stdin.fileno(), 1):
        pass
    ending.set()


def _end_group(process: "subprocess.Popen[bytes]", grace_s: float) -> None:
    """Tell the others to end; kill them, and this process with them, if they do not."""
    deadline = time.monotonic() + grace_s
    if _is_alone(process):
        return
    os.killpg(0, signal.SIGTERM)
    while time.monotonic() < deadline:
        if _is_alone(process):
            return
        time.sleep(_POLL_SECONDS)
    os.killpg(0, signal.SIGKILL)


def _is_alone(process: "subprocess.Popen[bytes]") -> bool:
    return process.poll() is not None and group_members(os.getpgrp()) in ([], [os.getpid()])


def group_members(group: int) -> list[int]:
    """Return the living processes of a process group; zombies do not live.

    Args:
        group: Number of the group.

    Returns:
        Their numbers; nothing where the system has no `/proc`.
    """
    members = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # state, parent, group: what follows the name in its parentheses
            stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            state, _, found = stat.rpartition(")")[2].split()[:3]
            if int(found) == group and state not in "ZX":
                members.append(int(folder.name))
    return members


def main() -> NoReturn:
    """Guard the command that the arguments give."""
    grace_s, *command = sys.argv[1:]
    sys.exit(guard(command, float(grace_s)))


if __name__ == "__main__":
    main()
