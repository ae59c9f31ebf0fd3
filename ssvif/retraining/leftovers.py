"""Processes that a killed retraining left behind, known by a variable of their environment."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

# Every DVC that is run for a retraining has it, and what that starts: the absolute folder of the
# worktree. One that collects garbage has the path of its lock instead.
VARIABLE = "SSVIF_RETRAINING"
_POLL_SECONDS = 0.1


def leftover_processes(folder: Path) -> list[int]:
    """Return the living processes that work for a retraining in a folder.

    Args:
        folder: Its worktree, or the lock of who collects garbage.

    Returns:
        Their numbers; nothing where the system has no `/proc`.
    """
    marker = f"{VARIABLE}={folder.absolute()}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        # Those of others are not readable, and some end meanwhile.
        with suppress(OSError):
            if marker in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return found


def end_leftovers(folder: Path, *, grace_s: float = 20.0) -> int:
    """End the processes that work for a retraining which nobody is at work on any more.

    Args:
        folder: Its worktree.
        grace_s: How long they may take; then they are killed.

    Returns:
        How many there were.
    """
    first = left = leftover_processes(folder)
    deadline = time.monotonic() + grace_s
    _signal(left, signal.SIGTERM)
    while left:
        if time.monotonic() > deadline:
            _signal(left, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)
        left = leftover_processes(folder)
    return len(first)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
