from pathlib import Path

import pytest

from benchmarks.projects import git
from ssvif.errors import RetrainingError
from ssvif.retraining.git import run_dvc
from ssvif.retraining.record import (
    Outcome,
    push,
    record,
    recorded_bundle,
    recorded_sentence,
)
from ssvif.retraining.workspace import Workspace
from ssvif.retraining.worktree import add_worktree

OUTCOME = Outcome(
    sentence="Version 3 leads, after version 2: Qabf +0.02",
    bundle="b" * 64,
    version=3,
    changed=True,
)


@pytest.fixture
def workspace(repository):
    """A retraining at its end, whose one stage has made a file."""
    found = Workspace(repository, "abc", resumed=False)
    add_worktree(repository, found.folder, "HEAD")
    (found.folder / "dvc.yaml").write_text("stages: {make: {cmd: echo made > out, outs: [out]}}\n")
    return found


def test_record__the_tag_has_lock_parameters_and_outcome(repository, workspace):
    (workspace.folder / "dvc.lock").write_text("made: 1\n")
    (workspace.folder / "params.yaml").write_text("seed: 5\n")
    assert record(workspace, OUTCOME) == "retrain/abc"
    assert git(repository, "show", "retrain/abc:dvc.lock") == "made: 1"
    assert git(repository, "show", "retrain/abc:params.yaml") == "seed: 5"
    assert recorded_sentence(repository, "abc") == OUTCOME.sentence
    assert recorded_bundle(repository, "abc") == OUTCOME.bundle
    assert git(repository, "rev-parse", "retrain/abc^") == git(repository, "rev-parse", "main")


def test_record__again_after_a_kill_is_the_same(repository, workspace):
    (workspace.folder / "dvc.lock").write_text("made: 1\n")
    record(workspace, OUTCOME)
    commit = git(repository, "rev-parse", "retrain/abc^{commit}")
    record(workspace, OUTCOME)
    assert git(repository, "rev-parse", "retrain/abc^{commit}") == commit


def test_push__no_remote(workspace):
    assert push(workspace) is None


def test_push__to_the_default_remote(workspace, tmp_path):
    run_dvc(workspace.folder, "repro")
    run_dvc(workspace.folder, "remote", "add", "--default", "store", str(tmp_path / "store"))
    assert push(workspace) == "store"
    assert [path.read_text() for path in Path(tmp_path, "store").rglob("*") if path.is_file()] == [
        "made\n"
    ]


def test_push__a_remote_that_fails_is_told_of(workspace, tmp_path):
    (tmp_path / "store").write_text("a file is in the way")
    run_dvc(workspace.folder, "repro")
    run_dvc(workspace.folder, "remote", "add", "--default", "store", str(tmp_path / "store"))
    with pytest.raises(RetrainingError, match="store: what the retraining made is not copied"):
        push(workspace)
