"""MLflow rebuilt from git and DVC alone: runs, versions, events and the champion.

A revision is checked out in a scratch worktree, and DVC brings what its `dvc.lock` names. Nothing
is computed anew.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ssvif.errors import ModelError, RetrainingError
from ssvif.fuse.places import CHAMPION
from ssvif.gate.decision import DECISION
from ssvif.params import PARAMS_FILE, Params, load_params
from ssvif.registry.bundle import read_json
from ssvif.registry.restore import Recorded, Restored, restore
from ssvif.retraining.git import run_git, try_dvc
from ssvif.retraining.leftovers import end_leftovers
from ssvif.retraining.record import recorded_sentence
from ssvif.retraining.state import HOME, lock_path
from ssvif.retraining.workspace import DVC_LOCK, share_cache, try_lock
from ssvif.retraining.worktree import TAG_PREFIX, add_worktree, recorded_ids, remove_worktree

BUNDLE = Path("models/bundle")
REPORT = Path("reports/register.json")
RUNS = Path("runs")

_NAME = "sync"
_WANTED = (BUNDLE.as_posix(), REPORT.as_posix(), DECISION.parent.as_posix())


def recorded_revisions(project: Path) -> list[str]:
    """Return the tags of retrainings, the oldest first, and HEAD."""
    tags = [f"{TAG_PREFIX}{name}" for name in reversed(recorded_ids(project))]
    return [*tags, "HEAD"]


def sync(project: Path, revisions: Sequence[str], params: Params) -> Restored:
    """Bring back in MLflow what revisions of a project record; what is there stays as it is.

    Args:
        project: The project's folder.
        revisions: Commits or tags.
        params: The project's parameters: the model's name and the experiment.

    Raises:
        RegistryError: If the registry cannot be reached.
        RetrainingError: If a revision is not known, records no model, or DVC has not kept what it
            names.
        TrackingError: If the tracking store cannot be reached.
    """
    project = project.absolute()
    with _scratch(project) as (worktree, kept):
        models: list[Recorded] = []
        for number, revision in enumerate(revisions):
            commit = _commit(project, revision)
            add_worktree(project, worktree, commit)
            share_cache(project, worktree)
            models.append(_record(project, worktree, kept / str(number), revision, commit))
        return restore(
            models,
            name=params.register_.name,
            experiment=params.tracking.experiment,
            champion_folder=project / CHAMPION,
        )


def _commit(project: Path, revision: str) -> str:
    try:
        return run_git(project, "rev-parse", "--verify", f"{revision}^{{commit}}")
    except RetrainingError as error:
        raise RetrainingError(
            f"{revision}: no commit or tag of this repository ({error}); "
            "`git tag --list 'retrain/*'` lists the retrainings"
        ) from error


@contextmanager
def _scratch(project: Path) -> Iterator[tuple[Path, Path]]:
    """Yield a place for a worktree and one for what is brought out of it."""
    worktree = project / HOME / _NAME
    with try_lock(lock_path(project, _NAME)) as is_free, tempfile.TemporaryDirectory() as kept:
        if not is_free:
            raise RetrainingError("another `ssvif sync` is running; wait for it")
        end_leftovers(worktree)
        try:
            yield worktree, Path(kept)
        finally:
            remove_worktree(project, worktree)


def _record(project: Path, worktree: Path, kept: Path, revision: str, commit: str) -> Recorded:
    """Bring what a checked-out revision names out of DVC, and describe it."""
    _check_out(worktree, revision)
    for path in (BUNDLE, RUNS, DECISION.parent):
        if (worktree / path).is_dir():
            shutil.copytree(worktree / path, kept / path)
    retraining = revision.removeprefix(TAG_PREFIX) if revision.startswith(TAG_PREFIX) else None
    decision = kept / DECISION
    try:
        version = int(read_json(worktree / REPORT)["version"])
    except (ModelError, KeyError, ValueError) as error:
        raise RetrainingError(f"{revision}: does not say which version it made") from error
    return Recorded(
        bundle=kept / BUNDLE,
        runs=kept / RUNS,
        version=version,
        floors=load_params(worktree / PARAMS_FILE).register_.floors,
        commit=commit,
        retraining=retraining,
        decision=decision if retraining and decision.is_file() else None,
        sentence=recorded_sentence(project, retraining) if retraining else "",
        at_ms=_time(project, revision),
    )


def _check_out(worktree: Path, revision: str) -> None:
    """Let DVC bring a revision's model, records and decision, from its cache or its remote."""
    names = _outputs(worktree)
    if BUNDLE.as_posix() not in names:
        raise RetrainingError(
            f"{revision}: its dvc.lock names no model bundle; commit dvc.lock after `dvc repro`"
        )
    if try_dvc(worktree, "checkout", "--force", *names).returncode == 0:
        return
    pulled = try_dvc(worktree, "pull", "--force", *names)
    if pulled.returncode != 0:
        lines = [line.strip() for line in pulled.stderr.splitlines() if line.strip()]
        raise RetrainingError(
            f"{revision}: DVC has not kept what it names ({lines[-1] if lines else 'no word'}); "
            "`dvc push` on the machine that made it brings it to a remote"
        )


def _outputs(worktree: Path) -> list[str]:
    """Return the outputs of a revision that MLflow is made from."""
    path = worktree / DVC_LOCK
    content: Any = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    found = [
        out["path"] for stage in content.get("stages", {}).values() for out in stage.get("outs", ())
    ]
    return [name for name in found if name in _WANTED or name.startswith(f"{RUNS.as_posix()}/")]


def _time(project: Path, revision: str) -> int:
    """Return when a tag was set, or a commit made, in milliseconds since 1970."""
    tag = f"refs/tags/{revision}"
    set_at = run_git(project, "for-each-ref", "--format=%(creatordate:unix)", tag)
    return 1000 * int(set_at or run_git(project, "show", "--no-patch", "--format=%ct", revision))
