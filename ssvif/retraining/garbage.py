"""Collects what nobody needs any more: old versions, their tags, and files of DVC's cache.

What the champion, the previous champion, the challenger or an open retraining needs stays, and so
does what any branch or other tag names. Of what they went on from the versions stay, for their
bundles say which pairs were learnt there; their tags, and their data, do not.
"""

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ssvif.errors import RetrainingError
from ssvif.params import Params
from ssvif.registry.lineage import ancestors, trace_all
from ssvif.registry.orphans import aliased_bundles, remove_old_versions
from ssvif.registry.pin import LOCK, read_lock
from ssvif.retraining.git import run_dvc
from ssvif.retraining.leftovers import VARIABLE, end_leftovers
from ssvif.retraining.record import recorded_bundle
from ssvif.retraining.state import HOME, open_states
from ssvif.retraining.workspace import COLLECTING, DVC_LOCK, try_lock
from ssvif.retraining.worktree import WORKTREES, delete_tag, recorded_ids

_REPO = "repo"  # DVC speaks of its other caches, too


@dataclass(frozen=True)
class Collected:
    """What went.

    Args:
        versions: How many versions of the model.
        tags: Retrainings whose tags were deleted.
        cache: What DVC says of its cache.
    """

    versions: int
    tags: tuple[str, ...]
    cache: str

    @property
    def sentence(self) -> str:
        """The same for people."""
        return (
            f"{self.versions} old versions and {len(self.tags)} tags of retrainings; {self.cache}"
        )


def collect(project: Path, params: Params, *, keep: int, dry_run: bool = False) -> Collected:
    """Collect garbage; nothing may be retrained meanwhile.

    Args:
        project: The project's folder; the current one.
        params: Its parameters: the model's name.
        keep: How many of the newest versions and tags stay in any case.
        dry_run: Only look.

    Returns:
        What was found.

    Raises:
        RegistryError: If the registry cannot be reached.
        RetrainingError: If a retraining is running, or DVC refuses.
    """
    project = project.absolute()
    with ExitStack() as stack:
        _require_rest(project, stack)
        name = params.register_.name
        needed = _needed(project, name)
        told_by = needed | _ancestors(needed, name, keep)
        versions = remove_old_versions(name, keep=keep, needed=told_by, dry_run=dry_run)
        tags = [
            tag
            for tag in recorded_ids(project)[keep:]
            if recorded_bundle(project, tag) not in needed
        ]
        for tag in tags if not dry_run else ():
            delete_tag(project, tag)
        cache = _collect_cache(project, dry_run=dry_run)
    return Collected(len(versions), tuple(tags), cache)


def open_worktrees(project: Path) -> list[Path]:
    """Return the worktrees of retrainings that may be gone on with."""
    folders = sorted(path.parent for path in (project / HOME).glob(f"*/{DVC_LOCK}"))
    return [folder for folder in folders if (folder / ".dvc").is_dir()]


def _require_rest(project: Path, stack: ExitStack) -> None:
    """Hold every lock: a stage at work puts files into the cache before anything names them."""
    if not stack.enter_context(try_lock(project / COLLECTING)):
        raise RetrainingError("garbage is being collected already; wait for it")
    end_leftovers(project / COLLECTING)  # a `dvc gc` whose parent was killed
    others = (project / COLLECTING, project / WORKTREES)
    # One that has just begun has its lock, and nothing else yet.
    for lock in sorted({*(project / HOME).glob("*.lock")}.difference(others)):
        if not stack.enter_context(try_lock(lock)):
            raise RetrainingError(
                f"the retraining {lock.stem} is running, and what it needs is not written down "
                "yet; collect garbage when it is done"
            )


def _needed(project: Path, name: str) -> set[str]:
    """Return the bundles that stay: those with an alias, and what open retrainings pin or made."""
    needed = set(aliased_bundles(name).values())
    needed |= {state.challenger for state in open_states(project) if state.challenger}
    for folder in (project, *open_worktrees(project)):
        lock = read_lock(folder / LOCK)
        needed |= {pin.bundle for pin in (lock.start, lock.champion) if pin}
    return needed


def _ancestors(needed: Collection[str], name: str, keep: int) -> set[str]:
    """Return what the versions that stay went on from: only those say what was learnt there."""
    origins = trace_all(name=name)
    return ancestors([*needed, *(origin.bundle for origin in origins[-keep:])], origins)


def _collect_cache(project: Path, *, dry_run: bool) -> str:
    others = open_worktrees(project)
    projects = ["--projects", *map(str, others)] if others else []
    options = ["--workspace", "--all-branches", "--all-tags", *projects]
    mark = {VARIABLE: str(project / COLLECTING)}
    said = run_dvc(project, "gc", "--dry" if dry_run else "--force", *options, environment=mark)
    own = [line for line in said.splitlines() if _REPO in line]
    return own[-1] if own else "nothing in DVC's cache is unused"
