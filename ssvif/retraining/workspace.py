"""The place where a retraining works: `.retrain/ID/`, a worktree with the project's data in it.

The DVC cache is the project's own, so nothing is computed or stored twice. The lock is the
kernel's: however its holder ends, it is free then. What a kill leaves is gone on with by the next
retraining of the same inputs.
"""

import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ssvif.data.index import INDEX_FILE
from ssvif.errors import RetrainingError
from ssvif.files import atomic_path
from ssvif.locks import locked
from ssvif.params import PARAMS_FILE
from ssvif.registry.pin import LOCK
from ssvif.retraining.due import withdraw_announcement
from ssvif.retraining.git import run_dvc, try_dvc
from ssvif.retraining.identity import GOLDEN_FILE, Inputs, fingerprint, list_files
from ssvif.retraining.leftovers import VARIABLE, end_leftovers
from ssvif.retraining.overrides import write_overrides
from ssvif.retraining.state import (
    HOME,
    State,
    lock_path,
    new_state,
    open_states,
    read_state,
    state_path,
    write_state,
)
from ssvif.retraining.worktree import add_worktree, commit_files, remove_worktree
from ssvif.tracking.process import process_tag
from ssvif.tracking.store import URI_VARIABLE, database_path, tracking_uri

DVC_LOCK = Path("dvc.lock")
CACHE = Path(".cache")  # of probes and the like: entries named by the hash of what they depend on
COLLECTING = HOME / "collecting.lock"

# What decides a retraining and is git's to follow.
INPUT_FILES = [path.as_posix() for path in (PARAMS_FILE, LOCK, GOLDEN_FILE)]
_REMOTE = re.compile(r"remote\.(?P<name>.+)\.url")
_RESTORED = ("sample", "ingest")
_DVC_LOCKS = Path(".dvc/tmp/rwlock")
_COLLECTING_SECONDS = 600.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Workspace:
    """A retraining that this process is at work on.

    Args:
        project: The project's folder, absolute.
        id: The retraining's name.
        resumed: Whether an earlier process began it.
    """

    project: Path
    id: str
    resumed: bool

    @property
    def folder(self) -> Path:
        """The worktree."""
        return self.project / HOME / self.id

    @property
    def environment(self) -> dict[str, str]:
        """Variables for the DVC stages that run in it."""
        return {
            URI_VARIABLE: absolute_uri(self.project),
            VARIABLE: str(self.folder),
            # The code is that of the commit, whatever is installed.
            "PYTHONPATH": str(self.folder),
        }

    @property
    def state(self) -> State:
        """What is written down of it."""
        state = read_state(self.project, self.id)
        if state is None:
            raise RetrainingError(f"{self.folder}: its state is gone; start the retraining again")
        return state

    def note(self, **facts: str | bool) -> None:
        """Write down more of its state: `pinned`, or the hash of its `challenger`."""
        write_state(self.project, self.state.model_copy(update=facts))

    def commit_inputs(self, message: str) -> str:
        """Commit parameters and pins, so that its runs name a commit that holds them."""
        return commit_files(self.folder, INPUT_FILES, message)

    def close(self) -> None:
        """Remove it, for what it made is recorded; the lock goes with it."""
        remove_workspace(self.project, self.id)


@contextmanager
def hold_retraining(project: Path, inputs: Inputs) -> Iterator[str]:
    """Hold the lock of the retraining of some inputs: one that was left, or a new one.

    Args:
        project: The project's folder.
        inputs: What it is made from.

    Yields:
        The retraining's name.

    Raises:
        RetrainingError: If it is running already, or garbage has been collected for too long.
    """
    project = project.absolute()
    begun = next((state for state in open_states(project) if state.is_of(inputs)), None)
    name = begun.id if begun else inputs.id
    with _held(project, name):
        yield name


def take_up(project: Path, name: str, inputs: Inputs) -> Workspace:
    """Bring a workspace up to its beginning, or to where it was left; its lock must be held.

    Args:
        project: The project's folder.
        name: The retraining.
        inputs: What it is made from.

    Returns:
        The workspace, with the captures, parameters and ingested pairs in it.

    Raises:
        RetrainingError: If it cannot be made.
        StorageError: If the disk is full.
    """
    project = project.absolute()
    folder = project / HOME / name
    if ended := end_leftovers(folder):
        _log.warning("ended %d processes that were left of an earlier try", ended)
    # DVC cannot read what a kill left half written there. Whoever it speaks of has ended.
    (folder / _DVC_LOCKS).unlink(missing_ok=True)
    begun = read_state(project, name)
    resumed = begun is not None and begun.ready and folder.is_dir()
    if begun is not None and resumed:
        write_state(project, begun.model_copy(update={"process": process_tag()}))
    else:
        state = new_state(inputs)
        write_state(project, state)
        _build(project, folder, inputs)
        write_state(project, state.model_copy(update={"ready": True}))
    return Workspace(project, name, resumed)


def remove_workspace(project: Path, name: str) -> None:
    """Remove a worktree and all that is written down of its retraining; its lock must be held."""
    remove_worktree(project, project / HOME / name)
    state_path(project, name).unlink(missing_ok=True)
    lock_path(project, name).unlink(missing_ok=True)


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Hold a lock for the block, if nobody has it.

    Args:
        path: The lock's file.

    Yields:
        Whether the lock is held.
    """
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def absolute_uri(project: Path) -> str:
    """Return the address of the tracking store as it is from anywhere."""
    uri = tracking_uri()
    database = database_path(uri)
    return uri if database is None else f"sqlite:///{project / database}"


def share_cache(project: Path, folder: Path) -> None:
    """Let DVC and the probes in the worktree use what the project has."""
    local = project / ".dvc" / "config.local"
    if local.is_file():
        shutil.copy(local, folder / ".dvc" / "config.local")  # with its rights: it has secrets
    _localise(folder / ".dvc" / "config.local", _addresses(project))
    (project / CACHE).mkdir(exist_ok=True)
    with suppress(FileExistsError):
        (folder / CACHE).symlink_to(project / CACHE, target_is_directory=True)


@contextmanager
def _held(project: Path, name: str) -> Iterator[None]:
    collecting = RetrainingError(
        f"{project / COLLECTING}: `ssvif reap --gc` has collected garbage for "
        f"{_COLLECTING_SECONDS:g} s, and no retraining begins meanwhile; wait for it, or end it"
    )
    with ExitStack() as held:
        # Nothing begins while garbage is collected, for what it needs is not known yet.
        with locked(project / COLLECTING, seconds=_COLLECTING_SECONDS, refusal=collecting):
            end_leftovers(project / COLLECTING)  # a `dvc gc` whose parent was killed
            if not held.enter_context(try_lock(lock_path(project, name))):
                state = read_state(project, name)
                who = f"pid {state.pid}" if state else "it has just begun"
                raise RetrainingError(
                    f"the retraining {name} of the same captures, parameters and commit is running "
                    f"already ({who}); wait for it, or end it"
                )
        yield


def _build(project: Path, folder: Path, inputs: Inputs) -> None:
    add_worktree(project, folder, inputs.commit)
    share_cache(project, folder)
    _link_files(project, folder, inputs)
    for name in (DVC_LOCK, INDEX_FILE, GOLDEN_FILE):
        if (project / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(project / name, folder / name)
    write_overrides(folder, inputs.overrides)
    # An ingested project need not be ingested again; where the cache lacks it, it just is.
    if (folder / DVC_LOCK).is_file():
        restored = try_dvc(folder, "checkout", "--force", *_RESTORED)
        if restored.returncode != 0:
            _log.info("what the project has ingested is not in the cache: it is ingested again")


def _addresses(project: Path) -> dict[str, dict[str, str]]:
    """Return where DVC's cache and the remotes on this machine are, absolute, as its sections."""
    found = {"cache": {"dir": str(project / ".dvc" / "cache")}}
    for line in run_dvc(project, "config", "--list").splitlines():
        key, _, value = line.partition("=")
        if key == "cache.dir":
            found["cache"]["dir"] = str(project / value)
        elif (part := _REMOTE.fullmatch(key)) and "://" not in value:
            found[f"'remote \"{part['name']}\"'"] = {"url": str(project / value)}
    return found


def _localise(path: Path, sections: Mapping[str, Mapping[str, str]]) -> None:
    """Write addresses into a `config.local`: a relative one would be relative to the worktree."""
    config = ConfigParser(interpolation=None)
    config.read(path, encoding="utf-8")
    config.read_dict({name: dict(keys) for name, keys in sections.items()})
    with path.open("w", encoding="utf-8") as stream:
        config.write(stream)


def _link_files(project: Path, folder: Path, inputs: Inputs) -> None:
    """Link captures and golden set into the worktree, as they were when the inputs were taken."""
    files = list_files(project)
    if fingerprint(files) != inputs.captures:
        withdraw_announcement(project)
        raise RetrainingError(
            "the captures changed while the retraining began; run the same command again"
        )
    for name in files:
        source, target = project / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source.resolve(), target)
        except OSError:
            with atomic_path(target) as temporary:
                shutil.copy2(source, temporary)
