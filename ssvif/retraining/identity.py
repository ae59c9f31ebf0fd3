"""What a retraining is made from, and the short name that equal inputs share."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ssvif.data.captures import INBOX, set_folders
from ssvif.errors import RetrainingError
from ssvif.files import sha256_file, sha256_json
from ssvif.retraining.git import run_git

GOLDEN = Path("data/golden")
GOLDEN_FILE = Path("data/golden.json")
# Taken from the project as they are, committed or not.
_TAKEN_ALONG = ("dvc.lock", GOLDEN_FILE.as_posix())
_ID_LENGTH = 8
_SHOWN = 3

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inputs:
    """All that decides what a retraining makes.

    Args:
        commit: The commit that it is of.
        captures: Fingerprint of the inbox and the golden set: names, sizes and times.
        champion: Hash of the champion's bundle, or None.
        overrides: Parameters that it changes, by dotted key.
        attempt: 0, or how many retrainings of the same inputs were recorded before.
        golden: Hash of what `data/golden.json` says, or None where there is no such file.
    """

    commit: str
    captures: str
    champion: str | None
    overrides: Mapping[str, Any]
    attempt: int = 0
    golden: str | None = None

    @property
    def id(self) -> str:
        """The retraining's name: equal inputs have the same one."""
        return sha256_json(asdict(self))[:_ID_LENGTH]


def head_commit(project: Path) -> str:
    """Return the commit that a retraining is of, and warn of what it leaves out.

    Raises:
        RetrainingError: If the project is not the top of a git repository, or has no commit.
    """
    try:
        prefix = run_git(project, "rev-parse", "--show-prefix")
    except RetrainingError as error:
        raise RetrainingError(
            f"{project.absolute()}: a retraining works on a commit, and this is no git repository "
            f"({error}); run `git init` and commit the project"
        ) from error
    if prefix:
        raise RetrainingError(
            f"{project.absolute()}: the git repository begins further up; a retraining needs the "
            "project to be a repository of its own"
        )
    try:
        commit = run_git(project, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except RetrainingError:
        raise RetrainingError(
            f"{project.absolute()}: a retraining works on a commit, and there is none yet; commit "
            "the project first"
        ) from None
    _warn_of_changes(project)
    return commit


def list_files(project: Path) -> dict[str, tuple[int, int]]:
    """Return the files of the sets in the inbox and of the golden set.

    Args:
        project: The project's folder.

    Returns:
        Size in bytes and time of change in nanoseconds, by path relative to the project.
    """
    folders = [*set_folders(project / INBOX), project / GOLDEN]
    paths = (path for folder in folders for path in folder.rglob("*"))
    found = {}
    for path in sorted(paths):
        if path.is_file() and not path.name.startswith(".part-"):
            with suppress(FileNotFoundError):  # somebody tidies up meanwhile
                stat = path.stat()
                found[path.relative_to(project).as_posix()] = (stat.st_size, stat.st_mtime_ns)
    return found


def fingerprint(files: Mapping[str, tuple[int, int]]) -> str:
    """Return the hash of what `list_files` found."""
    return sha256_json({name: list(facts) for name, facts in files.items()})


def golden_hash(project: Path) -> str | None:
    """Return the hash of what `data/golden.json` says, or None where there is no such file."""
    path = project / GOLDEN_FILE
    return sha256_file(path) if path.is_file() else None


def _warn_of_changes(project: Path) -> None:
    status = run_git(
        project,
        *("--no-optional-locks", "status", "--porcelain", "--untracked-files=no"),
        *("--", ".", *(f":!{name}" for name in (*_TAKEN_ALONG, "data/champion.lock.json"))),
    )
    changed = [line[3:] for line in status.splitlines()]
    if changed:
        more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
        _log.warning(
            "the retraining is of the last commit; what is not committed is left out: %s%s",
            ", ".join(changed[:_SHOWN]),
            more,
        )
