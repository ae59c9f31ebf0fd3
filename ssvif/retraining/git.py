"""git and DVC as commands: their answer, or one line about what went wrong."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ssvif.errors import RetrainingError
from ssvif.retraining.leftovers import VARIABLE

# Two retrainings share a repository, and git locks parts of it for a moment.
_TRIES = 40
_PAUSE_SECONDS = 0.25
_BUSY = (".lock", "could not lock", "unable to create", "cannot lock ref", "another git process")
# Hooks are for people, and so is signing; the machine needs a name that no user has to set up.
_OPTIONS = (
    *("-c", f"core.hooksPath={os.devnull}", "-c", "commit.gpgSign=false"),
    *("-c", "tag.gpgSign=false", "-c", "user.name=ssvif", "-c", "user.email=ssvif@localhost"),
)
# A hook of git sets these for its children; they would lead to another repository.
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX")


def run_git(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Run git in a folder; what another git locks is tried again for some seconds.

    Args:
        folder: Where.
        arguments: The command.
        environment: Variables beside those of this process.

    Returns:
        What it prints, without the last line end.

    Raises:
        RetrainingError: If git is missing or refuses.
    """
    git = shutil.which("git")
    if git is None:
        raise RetrainingError("a retraining needs git, and there is none; install it")
    inherited = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
    command = [git, "-C", str(folder), *_OPTIONS, *arguments]
    for attempt in range(_TRIES):
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={**inherited, "LC_ALL": "C", **(environment or {})},
        )
        if done.returncode == 0:
            return done.stdout.rstrip("\n")
        busy = any(word in done.stderr.lower() for word in _BUSY)
        if not busy or attempt == _TRIES - 1:
            break
        time.sleep(_PAUSE_SECONDS)
    raise RetrainingError(f"git {arguments[0]} in {folder}: {_last_line(done.stderr)}")


def run_dvc(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Run DVC in a folder, and return what it prints on standard output.

    Raises:
        RetrainingError: If it fails.
    """
    done = try_dvc(folder, *arguments, environment=environment)
    if done.returncode != 0:
        raise RetrainingError(f"dvc {arguments[0]} in {folder}: {_last_line(done.stderr)}")
    return done.stdout.strip()


def try_dvc(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run DVC in a folder; a failure is the caller's to judge.

    If this process is killed, DVC goes on; `end_leftovers` knows it by the folder.
    """
    command: Sequence[str] = [sys.executable, "-m", "dvc", *arguments]
    own = {"DVC_NO_ANALYTICS": "1", VARIABLE: str(folder.absolute())}
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **own, **(environment or {})},
    )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it failed without a word"
