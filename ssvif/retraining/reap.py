"""Ends what is dead: processes, runs, worktrees and unfinished files that a kill left behind.

Everything here asks first whether the owner lives. What does is left alone, and so is what works
on another machine.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ssvif.errors import RetrainingError
from ssvif.files import SCRATCH, scratch_prefix
from ssvif.params import Params
from ssvif.registry.at_hand import digest_of
from ssvif.registry.orphans import remove_orphans
from ssvif.registry.pin import LOCK, PINNED, pinned_folder, read_lock
from ssvif.registry.resolve import DOWNLOADS
from ssvif.retraining.leftovers import end_leftovers, leftover_processes
from ssvif.retraining.state import HOME, begun_retrainings, lock_path, read_state
from ssvif.retraining.workspace import remove_workspace, try_lock
from ssvif.retraining.worktree import prune_worktrees, recorded_ids
from ssvif.tracking.reap import reap_runs

# Where files are written; the rest of a project is its user's.
_WRITTEN = ("data", "models", "reports", "runs", "checkpoints", ".cache", ".retrain")


@dataclass
class Reaped:
    """What was dead, and is gone now; each in words.

    Args:
        processes: How many processes of dead retrainings were ended.
        runs: Ids of MLflow runs that were marked as killed.
        retrainings: Retrainings whose worktrees were removed.
        scratch: Unfinished files and folders.
        bundles: Folders of bundles that are damaged or that nothing pins any more.
        versions: Versions of the model whose files are gone.
        models: Logged models that no version holds.
    """

    processes: int = 0
    runs: list[str] = field(default_factory=list)
    retrainings: list[str] = field(default_factory=list)
    scratch: list[str] = field(default_factory=list)
    bundles: list[str] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    models: list[str] = field(default_factory=list)

    @property
    def sentences(self) -> list[str]:
        """What was found, a line each; nothing where all is well."""
        found = {
            "processes of dead retrainings": [str(self.processes)] if self.processes else [],
            "MLflow runs of dead processes": self.runs,
            "worktrees that nobody goes on with": self.retrainings,
            "unfinished files": self.scratch,
            "damaged or unpinned bundles": self.bundles,
            "model versions without files": [str(number) for number in self.versions],
            "logged models that no version holds": self.models,
        }
        return [f"{what}: {', '.join(names)}" for what, names in found.items() if names]


def reap(project: Path, params: Params, *, dry_run: bool = False) -> Reaped:
    """End and remove what is dead in a project.

    Args:
        project: The project's folder; the current one.
        params: Its parameters: `retraining.keep_days`, the model's name and the experiment.
        dry_run: Only look; runs are not looked at then.

    Returns:
        What was found.

    Raises:
        RegistryError: If the registry cannot be reached.
        TrackingError: If the tracking store cannot be reached.
    """
    project = project.absolute()
    found = Reaped()
    _reap_retrainings(project, params.retraining.keep_days, found, dry_run=dry_run)
    found.scratch = [_remove(path, project, dry_run) for path in _dead_scratch(project)]
    found.bundles = [_remove(path, project, dry_run) for path in _useless_bundles(project)]
    if not dry_run:
        found.runs = reap_runs(params.tracking.experiment)
    orphans = remove_orphans(
        params.register_.name, experiment=params.tracking.experiment, dry_run=dry_run
    )
    found.versions, found.models = list(orphans.versions), list(orphans.models)
    return found


def _reap_retrainings(project: Path, keep_days: float, found: Reaped, *, dry_run: bool) -> None:
    home = project / HOME
    names = {*begun_retrainings(project), *(folder.name for folder in home.glob("[!.]*/"))}
    done = set(recorded_ids(project)) if names else set()
    for name in sorted(names):
        with try_lock(lock_path(project, name)) as is_free:
            if not is_free:
                continue  # somebody is at work on it
            folder = home / name
            found.processes += len(leftover_processes(folder)) if dry_run else end_leftovers(folder)
            if name in done or _is_stale(project, name, keep_days):
                found.retrainings.append(name)
                if not dry_run:
                    remove_workspace(project, name)
    if names and not dry_run:
        prune_worktrees(project)


def _is_stale(project: Path, name: str, keep_days: float) -> bool:
    """Whether nobody will go on with a retraining: it is old, or nothing is written down of it."""
    with suppress(RetrainingError):
        state = read_state(project, name)
        return state is None or datetime.now(UTC) - state.started > timedelta(days=keep_days)
    return True


def _dead_scratch(project: Path) -> Iterator[Path]:
    for top in _WRITTEN:
        for folder, folders, files in os.walk(project / top):
            for name in (*folders, *files):
                if name.startswith(SCRATCH) and _is_dead(name):
                    yield Path(folder, name)
            folders[:] = [name for name in folders if not name.startswith(SCRATCH)]


def _is_dead(name: str) -> bool:
    """Whether a scratch name is of a process of this machine that is gone."""
    pid = name.removeprefix(SCRATCH).partition("-")[0]
    if not pid.isdigit() or not name.startswith(scratch_prefix(int(pid))):
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _useless_bundles(project: Path) -> Iterator[Path]:
    """Find kept bundles that are not what their names say, and pins that nothing names."""
    for folder in _bundles(project / DOWNLOADS, "*-*"):
        digest = digest_of(folder)
        if digest is None or not digest.startswith(folder.name.rpartition("-")[2]):
            yield folder
    lock = read_lock(project / LOCK)
    pinned = {pinned_folder(pin, project) for pin in (lock.start, lock.champion) if pin}
    for folder in _bundles(project / PINNED, "*"):
        if folder not in pinned:
            yield folder


def _bundles(home: Path, names: str) -> list[Path]:
    """Return the folders in a store of bundles; unfinished ones are their makers'."""
    return sorted(folder for folder in home.glob(names) if not folder.name.startswith(SCRATCH))


def _remove(path: Path, project: Path, dry_run: bool) -> str:
    if not dry_run:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return path.relative_to(project).as_posix()
