"""What stays of a retraining: a commit and a tag in git, and its files in DVC's cache and remote.

With these, MLflow can be rebuilt: `dvc.lock`, the parameters and the pins are in the commit that
the tag `retrain/ID` names, and the data that they name is in DVC.
"""

from dataclasses import dataclass
from pathlib import Path

from ssvif.errors import RetrainingError
from ssvif.retraining.git import run_dvc, try_dvc
from ssvif.retraining.workspace import DVC_LOCK, INPUT_FILES, Workspace
from ssvif.retraining.worktree import TAG_PREFIX, commit_files, tag_commit, tag_message

_BUNDLE = "Bundle: "
_VERSION = "Version: "


@dataclass(frozen=True)
class Outcome:
    """How a retraining ended.

    Args:
        sentence: What was done in the registry, for people; the same however often it is done.
            `ssvif sync` reads by it whether the version came to lead.
        bundle: Hash of the bundle that it made.
        version: Its version in the registry.
        changed: Whether it leads since.
    """

    sentence: str
    bundle: str
    version: int
    changed: bool


def record(workspace: Workspace, outcome: Outcome) -> str:
    """Commit what git follows of a retraining, and tag it.

    Args:
        workspace: The retraining.
        outcome: How it ended.

    Returns:
        The tag.

    Raises:
        RetrainingError: If git refuses.
    """
    tag = f"{TAG_PREFIX}{workspace.id}"
    facts = f"{_VERSION}{outcome.version}\n{_BUNDLE}{outcome.bundle}"
    message = f"{outcome.sentence}\n\n{facts}"
    commit_files(workspace.folder, [DVC_LOCK.as_posix(), *INPUT_FILES], message)
    tag_commit(workspace.folder, tag, message)
    return tag


def recorded_bundle(project: Path, retraining: str) -> str | None:
    """Return the hash of the bundle that a recorded retraining made, by its tag."""
    lines = tag_message(project, retraining).splitlines()
    found = [line.removeprefix(_BUNDLE) for line in lines if line.startswith(_BUNDLE)]
    return found[-1] if found else None


def recorded_sentence(project: Path, retraining: str) -> str:
    """Return how a recorded retraining ended, by its tag."""
    return tag_message(project, retraining).partition("\n")[0]


def push(workspace: Workspace) -> str | None:
    """Copy what a retraining made to DVC's default remote, where there is one.

    Args:
        workspace: The retraining; it must be recorded.

    Returns:
        The remote's name, or None where none is configured.

    Raises:
        RetrainingError: If the remote cannot be reached or refuses.
    """
    found = try_dvc(workspace.folder, "config", "core.remote")
    remote = found.stdout.strip() if found.returncode == 0 else ""
    if not remote:
        return None
    try:
        run_dvc(workspace.folder, "push")
    except RetrainingError as error:
        raise RetrainingError(
            f"{remote}: what the retraining made is not copied there ({error}); it is in the "
            "cache, and `dvc push --all-tags` completes it"
        ) from error
    return remote
