"""DVC stages as processes that end as a whole: DVC, the stage, and whatever the stage started."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import yaml

from ssvif.console import EXIT_REFUSED

DVC_FILE = Path("dvc.yaml")
DVC_LOCK = Path("dvc.lock")

# A training stage that is told to end says so to MLflow first.
_GRACE_SECONDS = 15.0
_REFUSAL = re.compile(r"^error: (?P<message>.+)$")
_EXIT_CODE = re.compile(r"exited with (?P<code>-?\d+)")


class StageFailedError(Exception):
    """A DVC stage failed.

    Args:
        stage: Its name.
        message: The stage's own line, or what DVC said.
        refused: Whether the stage refused its input or parameters, so that trying again is vain.
    """

    def __init__(self, stage: str, message: str, *, refused: bool) -> None:
        super().__init__(f"{stage}: {message}")
        self.stage = stage
        self.refused = refused


def stage_names() -> list[str]:
    """Return the DVC stages of the project in the current folder, in the order of dvc.yaml."""
    content = yaml.safe_load(DVC_FILE.read_text(encoding="utf-8"))
    return list(content["stages"])


def reproduce(stage: str, *, log: Callable[[str], None], limit_s: float) -> None:
    """Bring one DVC stage up to date, as `dvc repro --single-item` does.

    On failure, the outputs of the last good run are put back, where there was one.

    Args:
        stage: Name of the DVC stage.
        log: Takes each line that DVC and the stage print.
        limit_s: After so many seconds, the stage is ended.

    Raises:
        StageFailedError: If the stage fails or takes too long.
    """
    lines: list[str] = []

    def keep(line: str) -> None:
        lines.append(line)
        log(line)

    try:
        code, late = _run(["repro", "--single-item", stage], keep, limit_s)
    except BaseException:
        _restore(stage, log)
        raise
    if code != 0 or late:
        _restore(stage, log)
        raise _failure(stage, lines, limit_s if late else None)


def _run(arguments: Sequence[str], log: Callable[[str], None], limit_s: float) -> tuple[int, bool]:
    """Run DVC; return its exit code, and whether it was ended for being late."""
    late = threading.Event()
    with _process_group([sys.executable, "-m", "dvc", *arguments]) as process:

        def end(number: signal.Signals) -> None:
            late.set()
            _signal_group(process, number)

        with (
            _after(limit_s, partial(end, signal.SIGTERM)),
            _after(limit_s + _GRACE_SECONDS, partial(end, signal.SIGKILL)),
        ):
            for line in process.stdout or ():
                log(line.rstrip())
            return process.wait(), late.is_set()


@contextmanager
def _after(seconds: float, action: Callable[[], None]) -> Iterator[None]:
    """Do something if the block takes longer."""
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _process_group(command: Sequence[str]) -> "Iterator[subprocess.Popen[str]]":
    """Start a command in a group of its own, and leave nothing of the group alive."""
    # The commands in dvc.yaml say `python`: it must be this one.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        env={**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        _end(process)


def _end(process: "subprocess.Popen[str]") -> None:
    _signal_group(process, signal.SIGTERM)
    try:
        process.communicate(timeout=_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _signal_group(process, signal.SIGKILL)
        process.communicate()


def _signal_group(process: "subprocess.Popen[str]", number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def _failure(stage: str, lines: Sequence[str], limit_s: float | None) -> StageFailedError:
    """Say in one line why a stage failed, from what was printed."""
    if limit_s is not None:
        message = f"not done within {limit_s:g} s; allow more, or train fewer steps"
        return StageFailedError(stage, message, refused=True)
    codes = [int(found["code"]) for found in map(_EXIT_CODE.search, lines) if found]
    refusals = [found["message"] for found in map(_REFUSAL.match, lines) if found]
    spoken = [line for line in lines if line.strip()]
    message = refusals[-1] if refusals else (spoken[-1] if spoken else "DVC said nothing")
    return StageFailedError(stage, message, refused=bool(codes) and codes[-1] == EXIT_REFUSED)


def _restore(stage: str, log: Callable[[str], None]) -> None:
    if not DVC_LOCK.is_file():
        return
    if stage in yaml.safe_load(DVC_LOCK.read_text(encoding="utf-8")).get("stages", {}):
        log(f"putting back what {stage} made last")
        _run(["checkout", "--force", stage], log, limit_s=3600.0)
