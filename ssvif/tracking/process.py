"""Which process a run belongs to, and whether that process still lives."""

import os
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_START_TIME_FIELD = 19  # field 22 of /proc/PID/stat, counted after the parenthesis of field 2


def process_tag() -> str:
    """Return `BOOT:PID:START` of this process, which no later process shares."""
    return f"{_boot_id()}:{os.getpid()}:{_start_time(os.getpid())}"


def is_alive(tag: str) -> bool:
    """Whether the process that a tag of this machine names is running."""
    boot, _, process = tag.partition(":")
    pid, _, start = process.partition(":")
    return boot == _boot_id() and pid.isdigit() and _start_time(int(pid)) == start


def _boot_id() -> str:
    return _BOOT_ID.read_text(encoding="ascii").strip() if _BOOT_ID.exists() else "unknown"


def _start_time(pid: int) -> str:
    """Return when a process began, in ticks since boot; numbers of processes are used again."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "gone"
    return stat.rpartition(")")[2].split()[_START_TIME_FIELD]
