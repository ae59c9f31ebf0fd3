import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from ssvif.files import scratch_prefix
from ssvif.params import parse_params
from ssvif.registry.orphans import Orphans
from ssvif.retraining import reap as module
from ssvif.retraining.identity import Inputs
from ssvif.retraining.leftovers import VARIABLE
from ssvif.retraining.reap import reap
from ssvif.retraining.state import new_state, write_state
from ssvif.retraining.workspace import lock_path, try_lock
from ssvif.retraining.worktree import add_worktree, list_worktrees, tag_commit

PARAMS = parse_params({"retraining": {"keep_days": 7.0}})


@pytest.fixture(autouse=True)
def services(monkeypatch):
    """What tracking and registry are asked; they have tests of their own."""
    asked = []
    monkeypatch.setattr(module, "reap_runs", lambda experiment: asked.append(experiment) or ["r1"])

    def remove(name, *, experiment, dry_run):
        asked.append((name, experiment, dry_run))
        return Orphans(("m1",), (4,))

    monkeypatch.setattr(module, "remove_orphans", remove)
    return asked


def begin(project, name, *, days_ago=0.0):
    """Leave a retraining as a killed flow leaves it."""
    folder = project / ".retrain" / name
    add_worktree(project, folder, "HEAD")
    state = new_state(Inputs(commit="c", captures="f", champion=None, overrides={}))
    started = datetime.now(UTC) - timedelta(days=days_ago)
    write_state(project, state.model_copy(update={"id": name, "started": started, "ready": True}))
    return folder


def test_reap__nothing_is_dead(repository, services):
    services.clear()
    found = reap(repository, PARAMS, dry_run=True)
    assert (found.retrainings, found.scratch, found.bundles, found.processes) == ([], [], [], 0)


def test_reap__says_what_tracking_and_registry_found(repository, services):
    found = reap(repository, PARAMS)
    assert services == ["ssvif", ("ssvif", "ssvif", False)]
    assert found.sentences == [
        "MLflow runs of dead processes: r1",
        "model versions without files: 4",
        "logged models that no version holds: m1",
    ]


def test_reap__dry_run_changes_nothing(repository, services):
    folder = begin(repository, "old", days_ago=8.0)
    found = reap(repository, PARAMS, dry_run=True)
    assert found.retrainings == ["old"]
    assert folder.is_dir()
    assert services == [("ssvif", "ssvif", True)]


def test_reap__worktrees_that_are_old_or_recorded_go_and_others_stay(repository):
    begin(repository, "old", days_ago=8.0)
    fresh, done = begin(repository, "fresh"), begin(repository, "done")
    tag_commit(done, "retrain/done", "kept")
    nobodys = repository / ".retrain" / "nobodys"
    add_worktree(repository, nobodys, "HEAD")
    assert reap(repository, PARAMS).retrainings == ["done", "nobodys", "old"]
    assert list_worktrees(repository) == [fresh]
    assert sorted(path.name for path in (repository / ".retrain").glob("*.json")) == ["fresh.json"]


def test_reap__one_at_work_is_left_alone_however_old(repository):
    folder = begin(repository, "old", days_ago=8.0)
    with try_lock(lock_path(repository, "old")):
        assert reap(repository, PARAMS).retrainings == []
    assert folder.is_dir()


def test_reap__a_state_that_a_living_process_writes_is_left_alone(repository):
    state = repository / ".retrain" / f"{scratch_prefix()}abc.json"
    state.parent.mkdir()
    state.touch()
    found = reap(repository, PARAMS)
    assert (found.retrainings, found.scratch) == ([], [])
    assert state.exists()


def test_reap__ends_processes_of_dead_retrainings(repository):
    folder = begin(repository, "fresh")
    process = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, VARIABLE: str(folder)},
    )
    process.stdout.readline()
    assert reap(repository, PARAMS).processes == 1
    assert process.wait() != 0


def test_reap__unfinished_files_of_dead_processes_of_this_machine(repository, dead_pid):
    dead = repository / "models" / f"{scratch_prefix(dead_pid)}abc"
    (dead / "new").mkdir(parents=True)
    deep = repository / ".retrain" / "x" / "runs" / f"{scratch_prefix(dead_pid)}a.json"
    own = repository / "data" / f"{scratch_prefix()}abc.png"
    elsewhere = repository / "data" / f".part-{dead_pid}-ffffff-abc.png"
    unknown = repository / "data" / ".part-abc"
    for path in (deep, own, elsewhere, unknown):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = reap(repository, PARAMS)
    assert found.scratch == [dead.relative_to(repository).as_posix()]  # deep went with its folder
    assert not dead.exists()
    assert not deep.exists()
    assert own.exists()
    assert elsewhere.exists()
    assert unknown.exists()


def test_reap__bundles_that_are_damaged_or_that_nothing_pins(repository):
    for name in ("models/registry/ssvif-0123456789abcdef", "models/pinned/0123456789abcdef"):
        (repository / name).mkdir(parents=True)
    at_work = [
        repository / place / f"{scratch_prefix()}abc"
        for place in ("models/registry", "models/pinned")
    ]
    for folder in at_work:
        folder.mkdir()
    found = reap(repository, PARAMS)
    assert found.bundles == [
        "models/registry/ssvif-0123456789abcdef",
        "models/pinned/0123456789abcdef",
    ]
    assert sorted((repository / "models").glob("*/*")) == sorted(at_work)
