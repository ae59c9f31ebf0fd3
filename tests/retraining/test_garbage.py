import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from benchmarks.projects import commit
from ssvif.errors import RetrainingError
from ssvif.params import Params
from ssvif.registry.lineage import Origin
from ssvif.registry.pin import ChampionLock, Pin, write_lock
from ssvif.retraining import garbage
from ssvif.retraining.garbage import collect
from ssvif.retraining.identity import Inputs
from ssvif.retraining.leftovers import VARIABLE
from ssvif.retraining.state import lock_path, new_state, write_state
from ssvif.retraining.workspace import try_lock
from ssvif.retraining.worktree import add_worktree, commit_files, recorded_ids, tag_commit

# What the aliases point to.
NEEDED = {"champion": "leads", "previous": "led", "challenger": "newest"}


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    """What the registry is asked; it has tests of its own."""
    calls = []

    def remove(name, *, keep, needed, dry_run):
        calls.append((name, keep, set(needed), dry_run))
        return ["old"]

    monkeypatch.setattr(garbage, "aliased_bundles", lambda _name: NEEDED)
    monkeypatch.setattr(garbage, "remove_old_versions", remove)
    monkeypatch.setattr(garbage, "trace_all", lambda **_: [])
    return calls


def make(folder, content):
    """Let DVC keep a file's content, as a stage does."""
    (folder / "out").unlink(missing_ok=True)  # it shares its bytes with the cache
    (folder / "out").write_text(content)
    subprocess.run(
        [sys.executable, "-m", "dvc", "commit", "-q", "-f", "make"], cwd=folder, check=True
    )


def cached(project):
    """Return what DVC's cache holds."""
    files = Path(project, ".dvc/cache/files").rglob("*")
    return {path.read_text() for path in files if path.is_file()}


@pytest.fixture(scope="module")
def lived(_repository, tmp_path_factory):
    """A project whose cache has its own file, those of tags and an open worktree, and waste."""
    folder = shutil.copytree(_repository, tmp_path_factory.mktemp("lived") / "project")
    (folder / "dvc.yaml").write_text("stages: {make: {cmd: 'true', outs: [out]}}\n")
    (folder / ".gitignore").write_text("/out\n/.retrain/\n/models/\n")
    commit(folder, "a stage")
    make(folder, "waste")
    worktree = folder / ".retrain" / "opened"
    add_worktree(folder, worktree, "HEAD")
    cache = [sys.executable, "-m", "dvc", "cache", "dir", "--local", str(folder / ".dvc/cache")]
    subprocess.run(cache, cwd=worktree, check=True)
    for bundle in ("oldest", "led", "newest"):
        make(worktree, bundle)
        commit_files(worktree, ["dvc.lock"], bundle)
        tag_commit(worktree, f"retrain/{bundle}", f"said\n\nVersion: 1\nBundle: {bundle}")
    make(worktree, "opened")
    make(folder, "own")
    return folder


@pytest.fixture
def project(lived, tmp_path, monkeypatch):
    """A copy of it, whose worktree is one of its own."""
    folder = shutil.copytree(lived, tmp_path / "project", symlinks=True)
    links = (".git/worktrees/opened/gitdir", ".retrain/opened/.git")
    for name in (*links, ".retrain/opened/.dvc/config.local"):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace(str(lived), str(folder)))
    monkeypatch.chdir(folder)
    return folder


def test_collect__waste_goes_and_what_is_needed_stays(project, asked):
    assert cached(project) == {"waste", "oldest", "led", "newest", "opened", "own"}
    found = collect(project, Params(), keep=1)
    assert cached(project) == {"led", "newest", "opened", "own"}
    assert found.tags == ("oldest",)
    assert set(recorded_ids(project)) == {"newest", "led"}
    assert asked == [("ssvif", 1, {"leads", "led", "newest"}, False)]
    assert found.sentence == (
        "1 old versions and 1 tags of retrainings; Removed 2 objects from repo cache."
    )


def test_collect__what_those_that_stay_went_on_from_still_says_what_it_saw(
    project, asked, monkeypatch
):
    starts = {"1": None, "2": "1", "leads": "2", "3": None, "4": "3", "last": "4"}
    made = [Mock(spec=Origin, bundle=bundle, start=start) for bundle, start in starts.items()]
    monkeypatch.setattr(garbage, "trace_all", lambda **_: made)
    collect(project, Params(), keep=1, dry_run=True)
    assert asked[0][2] == {"leads", "led", "newest", "1", "2", "3", "4"}


def test_collect__dry_run_changes_nothing(project, asked):
    before = cached(project)
    assert collect(project, Params(), keep=1, dry_run=True).tags == ("oldest",)
    assert cached(project) == before
    assert len(recorded_ids(project)) == 3
    assert asked[0][-1] is True


def test_collect__what_an_open_retraining_pins_or_made_stays(project, asked):
    def pin(bundle):
        return Pin(name="ssvif", version=1, bundle=bundle, weights="w")

    lock = ChampionLock(start=pin("oldest"), champion=pin("other"))
    write_lock(lock, project / ".retrain/opened/data/champion.lock.json")
    state = new_state(Inputs(commit="c", captures="f", champion=None, overrides={}))
    write_state(project, state.model_copy(update={"id": "opened", "challenger": "made"}))
    collect(project, Params(), keep=1)
    assert {"oldest", "other", "made"} < asked[0][2]
    assert "oldest" in cached(project)
    assert len(recorded_ids(project)) == 3


def test_collect__its_dvc_is_marked_so_that_who_comes_next_can_end_it(project, monkeypatch):
    marks = []
    monkeypatch.setattr(
        garbage, "run_dvc", lambda *_, environment: marks.append(environment) or "nothing"
    )
    collect(project, Params(), keep=1, dry_run=True)
    assert marks == [{VARIABLE: str(project / ".retrain/collecting.lock")}]


@pytest.mark.parametrize("name", ["opened", "just-begun"])
def test_collect__not_while_a_retraining_runs(project, asked, name):
    before = cached(project)
    with (
        try_lock(lock_path(project, name)),
        pytest.raises(RetrainingError, match=f"the retraining {name} is running"),
    ):
        collect(project, Params(), keep=1)
    assert asked == []
    assert cached(project) == before
