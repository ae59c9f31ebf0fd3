"""DVC stages as processes that end as a whole: DVC, the stage, and whatever the stage started.

Each runs under a guard (`pipelines/guard.py`), which ends them all if this process is gone.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

import typer
import yaml

from pipelines import guard
from ssvif import console
from ssvif.console import EXIT_REFUSED, EXIT_UNREACHABLE
from ssvif.errors import ParamsError

DVC_FILE = Path("dvc.yaml")
DVC_LOCK = Path("dvc.lock")

# A training stage that is told to end says so to MLflow first.
GRACE_SECONDS = 15.0
_MARGIN_SECONDS = 5.0  # for a guard that is asked to end, before it is killed itself
_POLL_SECONDS = 0.05
# What DVC advises at the end of each run is for people who work in the folder.
_ADVICE = re.compile(
    r"\s*$|To track the changes with git|\s+git add |To enable auto staging|\s+dvc config core"
    r"|Use `dvc push`"
)
_REFUSAL = re.compile(r"^error: (?P<message>.+)$")
# DVC's own words, where another one has the folder's lock, or a stage's files.
_BUSY = re.compile(r"ERROR: .*(is busy, it is being blocked by|Unable to acquire lock)")
_SIGNALLED = 128
_EXIT_CODE = re.compile(r"exited with (?P<code>-?\d+)")


class StageFailedError(Exception):
    """A DVC stage failed.

    Args:
        stage: Its name.
        message: The stage's own line, or what DVC said.
        refused: Whether the stage refused its input or parameters.
        transient: Whether trying again may do: a service does not answer, DVC is busy, or
            somebody killed the stage.
    """

    def __init__(self, stage: str, message: str, *, refused: bool, transient: bool = False) -> None:
        super().__init__(f"{stage}: {message}")
        self.stage = stage
        self.refused = refused
        self.transient = transient


def run_command(command: Callable[[], object]) -> NoReturn:
    """Run a command to its exit code, as `console.run` does; a DVC stage may fail in it."""

    def told() -> None:
        try:
            command()
        except StageFailedError as error:
            typer.echo(f"error: {error}", err=True)
            code = EXIT_UNREACHABLE if error.transient else 1
            sys.exit(EXIT_REFUSED if error.refused else code)

    console.run(told)


def stage_names(folder: Path = Path()) -> list[str]:
    """Return the DVC stages of a project, in the order of dvc.yaml.

    Raises:
        ParamsError: If there is no dvc.yaml.
    """
    try:
        content = yaml.safe_load((folder / DVC_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(
            f"{folder / DVC_FILE}: not found; run this in a project's folder"
        ) from None
    return list(content["stages"])


def reproduce(
    stage: str,
    *,
    log: Callable[[str], None],
    limit_s: float,
    folder: Path = Path(),
    environment: Mapping[str, str] | None = None,
    force: bool = False,
) -> None:
    """Bring one DVC stage up to date, as `dvc repro --single-item` does.

    On failure, the outputs of the last good run are put back, where there was one; but not where
    another DVC is at work in the folder, which may be writing them. A stage whose outputs all
    persist looks after them itself, and goes on from there.

    Args:
        stage: Name of the DVC stage.
        log: Takes each line that DVC and the stage print.
        limit_s: After so many seconds, the stage is ended.
        folder: The project's folder.
        environment: Variables for DVC and the stage, beside those of this process.
        force: Run it even if DVC finds nothing changed.

    Raises:
        StageFailedError: If the stage fails or takes too long.
    """
    lines: list[str] = []
    variables = environment or {}

    def keep(line: str) -> None:
        if not _ADVICE.match(line):
            lines.append(line)
            log(line)

    def restore() -> None:
        if _is_known(stage, folder / DVC_LOCK) and not _persists(stage, folder / DVC_FILE):
            log(f"putting back what {stage} made last")
            _run(["checkout", "--force", stage], log, 3600.0, folder, variables)

    command = ["repro", "--single-item", *(["--force"] if force else []), stage]
    try:
        code, late = _run(command, keep, limit_s, folder, variables)
    except BaseException:
        restore()
        raise
    if code != 0 and any(map(_BUSY.match, lines)):
        message = "another DVC is at work in this folder; wait for it, or end it"
        raise StageFailedError(stage, message, refused=False, transient=True)
    if code != 0 or late:
        restore()
        raise _failure(stage, lines, limit_s if late else None)


def _run(
    arguments: Sequence[str],
    log: Callable[[str], None],
    limit_s: float,
    folder: Path,
    environment: Mapping[str, str],
) -> tuple[int, bool]:
    """Run DVC; return its exit code, and whether it was ended for being late."""
    late = threading.Event()
    command = [sys.executable, "-m", "dvc", *arguments]
    with guarded(command, folder=folder, environment=environment) as process:

        def end() -> None:
            late.set()
            _ask(process)

        with _after(limit_s, end), _after(limit_s + _patience(), partial(_kill, process)):
            for line in process.stdout or ():
                log(line.rstrip())
            return process.wait(), late.is_set()


@contextmanager
def guarded(
    command: Sequence[str], *, folder: Path = Path(), environment: Mapping[str, str] | None = None
) -> "Iterator[subprocess.Popen[str]]":
    """Run a command under a guard of its own, and leave nothing of it alive.

    Args:
        command: The command; what it prints can be read from the process.
        folder: Where it runs.
        environment: Variables beside those of this process.

    Yields:
        The guard's process, which has the command's exit code. If this process is killed, the
        guard ends the command and whatever it started.
    """
    # The commands in dvc.yaml say `python`: it must be this one.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-I", guard.__file__, str(GRACE_SECONDS), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", **(environment or {})},
    )
    # A guard that is killed itself leaves the command without one.
    threading.Thread(target=_watch, args=[process], daemon=True).start()
    try:
        yield process
    finally:
        _end(process)


def _watch(process: "subprocess.Popen[str]") -> None:
    if process.wait() >= 0:
        return
    deadline = time.monotonic() + GRACE_SECONDS
    _signal_group(process, signal.SIGTERM)
    while guard.group_members(process.pid) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    _kill(process)


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


def _end(process: "subprocess.Popen[str]") -> None:
    _ask(process)
    try:
        process.communicate(timeout=_patience())
    except subprocess.TimeoutExpired:
        pass
    finally:
        _kill(process)
        process.communicate()


def _patience() -> float:
    return GRACE_SECONDS + _MARGIN_SECONDS


def _ask(process: "subprocess.Popen[str]") -> None:
    """Let the guard end its group."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)


def _kill(process: "subprocess.Popen[str]") -> None:
    _signal_group(process, signal.SIGKILL)


def _signal_group(process: "subprocess.Popen[str]", number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _failure(stage: str, lines: Sequence[str], limit_s: float | None) -> StageFailedError:
    """Say in one line why a stage failed, from what was printed."""
    if limit_s is not None:
        message = (
            f"not done within {limit_s:g} s; allow more (retraining.limit_hours or --limit-hours), "
            "or give it less to do"
        )
        return StageFailedError(stage, message, refused=True)
    codes = [int(found["code"]) for found in map(_EXIT_CODE.search, lines) if found]
    refusals = [found["message"] for found in map(_REFUSAL.match, lines) if found]
    message = [*(lines or ["DVC said nothing"]), *refusals][-1]
    code = codes[-1] if codes else 0
    # A shell tells of a signal by 128 and more, Python by less than nothing.
    transient = code == EXIT_UNREACHABLE or code < 0 or code > _SIGNALLED
    return StageFailedError(stage, message, refused=code == EXIT_REFUSED, transient=transient)


def _persists(stage: str, file: Path) -> bool:
    """Whether DVC leaves all outputs of a stage where they are when it runs."""
    stages = yaml.safe_load(file.read_text(encoding="utf-8"))["stages"]
    outs = stages.get(stage, {}).get("outs", [])
    # With options, an output is its path and what is said of it.
    options = [next(iter(out.values())) if isinstance(out, dict) else {} for out in outs]
    return all(said.get("persist", False) for said in options)


def _is_known(stage: str, lock: Path) -> bool:
    """Whether DVC knows what the stage made last."""
    if not lock.is_file():
        return False
    return stage in yaml.safe_load(lock.read_text(encoding="utf-8")).get("stages", {})
