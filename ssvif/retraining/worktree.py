"""Git worktrees of retrainings: made, removed, committed to, and the tags that keep what was made.

A worktree shares the repository and nothing else: whatever happens in it, the user's own files,
branches and index stay as they are.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ssvif.errors import RetrainingError
from ssvif.locks import locked
from ssvif.retraining.git import run_git

TAG_PREFIX = "retrain/"
WORKTREES = Path(".retrain/worktrees.lock")
_LOCK_SECONDS = 600.0


def add_worktree(project: Path, folder: Path, commit: str) -> None:
    """Check out a commit, on no branch, in a folder of its own.

    Args:
        project: The project.
        folder: Where; what a killed attempt left there is removed first.
        commit: The commit.

    Raises:
        RetrainingError: If git refuses.
    """
    with _alone(project):
        _remove(project, folder)
        run_git(project, "worktree", "add", "--quiet", "--detach", "--force", str(folder), commit)


def remove_worktree(project: Path, folder: Path) -> None:
    """Remove a worktree and what git knows of it; one that is not there is no error.

    Raises:
        RetrainingError: If it cannot be removed.
    """
    with _alone(project):
        _remove(project, folder)


def prune_worktrees(project: Path) -> None:
    """Let git forget worktrees of retrainings whose folders are gone.

    The user's own may be on a disk that is not there at the moment: those stay.
    """
    home = (project / WORKTREES).parent.resolve()
    with _alone(project):
        for folder in list_worktrees(project):
            if folder.is_relative_to(home) and not folder.exists():
                _forget(project, folder)


def list_worktrees(project: Path) -> list[Path]:
    """Return the folders of the worktrees that git knows, but for the project's own."""
    lines = run_git(project, "worktree", "list", "--porcelain").splitlines()
    folders = [
        Path(line.removeprefix("worktree ")) for line in lines if line.startswith("worktree ")
    ]
    return folders[1:]


def commit_files(folder: Path, names: list[str], message: str) -> str:
    """Commit files of a worktree as they are; nothing changed makes no commit.

    The commit bears the time of the one before it, so that equal contents make equal commits.

    Args:
        folder: The worktree.
        names: Files, relative to it; those that are not there are left out.
        message: The commit's message.

    Returns:
        The commit that the worktree is at then.

    Raises:
        RetrainingError: If git refuses.
    """
    there = [name for name in names if (folder / name).is_file()]
    run_git(folder, "add", "--force", "--", *there)
    if run_git(folder, "diff", "--cached", "--name-only"):
        time = run_git(folder, "show", "--no-patch", "--format=%cI", "HEAD")
        dates = {"GIT_AUTHOR_DATE": time, "GIT_COMMITTER_DATE": time}
        run_git(folder, "commit", "--quiet", "--no-verify", "--message", message, environment=dates)
    return run_git(folder, "rev-parse", "HEAD")


def tag_commit(folder: Path, name: str, message: str) -> None:
    """Set an annotated tag on what a worktree is at; one of this name is moved.

    Raises:
        RetrainingError: If git refuses.
    """
    run_git(folder, "tag", "--annotate", "--force", "--message", message, name)


def recorded_ids(project: Path) -> list[str]:
    """Return the retrainings that are recorded by a tag, the newest first."""
    pattern = f"refs/tags/{TAG_PREFIX}*"
    names = run_git(
        project, "for-each-ref", "--sort=-creatordate", "--format=%(refname:short)", pattern
    )
    return [name.removeprefix(TAG_PREFIX) for name in names.splitlines()]


def tag_message(project: Path, retraining: str) -> str:
    """Return the message of a retraining's tag."""
    name = f"refs/tags/{TAG_PREFIX}{retraining}"
    return run_git(project, "for-each-ref", "--format=%(contents)", name)


def delete_tag(project: Path, retraining: str) -> None:
    """Delete a retraining's tag; what only it held is git's and DVC's to collect."""
    run_git(project, "tag", "--delete", f"{TAG_PREFIX}{retraining}")


@contextmanager
def _alone(project: Path) -> Iterator[None]:
    """Keep others away: git reads its list of worktrees while another git writes it."""
    refusal = RetrainingError(
        f"{project / WORKTREES}: another retraining has made or removed worktrees for "
        f"{_LOCK_SECONDS:g} s; wait for it, or end it"
    )
    with locked(project / WORKTREES, seconds=_LOCK_SECONDS, refusal=refusal):
        yield


def _remove(project: Path, folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        raise RetrainingError(f"{folder}: cannot be removed; check the rights, and delete it")
    _forget(project, folder)


def _forget(project: Path, folder: Path) -> None:
    """Let git forget a worktree whose folder is gone; one that it does not know is no error."""
    with suppress(RetrainingError):
        # Twice forced: one that a kill left locked goes as well.
        run_git(project, "worktree", "remove", "--force", "--force", str(folder))
