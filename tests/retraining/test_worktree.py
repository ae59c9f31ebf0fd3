import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from filelock import FileLock

from benchmarks.projects import git
from ssvif.errors import RetrainingError
from ssvif.retraining import worktree as module
from ssvif.retraining.worktree import (
    add_worktree,
    commit_files,
    delete_tag,
    list_worktrees,
    prune_worktrees,
    recorded_ids,
    remove_worktree,
    tag_commit,
    tag_message,
)


@pytest.fixture
def worktree(repository):
    folder = repository / ".retrain" / "one"
    add_worktree(repository, folder, "HEAD")
    return folder


def test_add_worktree__leaves_the_project_as_it_was(repository, worktree):
    assert (worktree / "params.yaml").read_bytes() == (repository / "params.yaml").read_bytes()
    assert git(worktree, "rev-parse", "--abbrev-ref", "HEAD") == "HEAD"
    assert git(repository, "status", "--porcelain") == ""
    assert list_worktrees(repository) == [worktree]


def test_add_worktree__replaces_what_a_kill_left(repository, worktree):
    (worktree / "params.yaml").unlink()
    (worktree / "half").touch()
    add_worktree(repository, worktree, "HEAD")
    assert (worktree / "params.yaml").is_file()
    assert not (worktree / "half").exists()


def test_add_worktree__several_at_once(repository):
    folders = [repository / ".retrain" / str(number) for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda folder: add_worktree(repository, folder, "HEAD"), folders))
    assert sorted(list_worktrees(repository)) == folders


def test_add_worktree__another_has_it_too_long(repository, worktree, monkeypatch):
    monkeypatch.setattr(module, "_LOCK_SECONDS", 0.0)
    (repository / module.WORKTREES).parent.mkdir(exist_ok=True)
    with (
        FileLock(repository / module.WORKTREES),
        pytest.raises(RetrainingError, match="another retraining has made or removed worktrees"),
    ):
        add_worktree(repository, worktree, "HEAD")


def test_add_worktree__unknown_commit(repository):
    with pytest.raises(RetrainingError, match="git worktree"):
        add_worktree(repository, repository / ".retrain" / "one", "nowhere")


def test_remove_worktree__git_forgets_it(repository, worktree):
    git(repository, "worktree", "lock", str(worktree))
    remove_worktree(repository, worktree)
    remove_worktree(repository, worktree)
    assert not worktree.exists()
    assert list_worktrees(repository) == []


def test_prune_worktrees__forgets_ours_and_keeps_the_users(repository, worktree, tmp_path):
    theirs = tmp_path / "on a disk that comes and goes"
    git(repository, "worktree", "add", "--quiet", "--detach", str(theirs))
    theirs.rename(tmp_path / "away")
    other = repository / ".retrain" / "two"
    add_worktree(repository, other, "HEAD")
    shutil.rmtree(worktree)
    prune_worktrees(repository)
    assert sorted(list_worktrees(repository)) == sorted([other, theirs])
    remove_worktree(repository, other)
    assert list_worktrees(repository) == [theirs]


def test_commit_files__equal_contents_make_equal_commits(repository, worktree):
    other = repository / ".retrain" / "two"
    add_worktree(repository, other, "HEAD")
    for folder in (worktree, other):
        (folder / "dvc.lock").write_text("made: 1\n")
    commits = {commit_files(folder, ["dvc.lock", "gone"], "made") for folder in (worktree, other)}
    assert len(commits) == 1
    assert git(repository, "show", f"{commits.pop()}:dvc.lock") == "made: 1"
    assert git(repository, "log", "--format=%s", "main") == "begin"


def test_commit_files__nothing_changed_makes_none(worktree):
    before = git(worktree, "rev-parse", "HEAD")
    assert commit_files(worktree, ["params.yaml"], "nothing") == before


def test_tags__hold_what_was_made_when_the_worktree_is_gone(repository, worktree):
    (worktree / "dvc.lock").write_text("made: 1\n")
    commit_files(worktree, ["dvc.lock"], "made")
    tag_commit(worktree, "retrain/one", "promoted: better\n\nBundle: abc")
    tag_commit(worktree, "retrain/one", "promoted: better\n\nBundle: abc")  # after a kill
    remove_worktree(repository, worktree)
    assert recorded_ids(repository) == ["one"]
    assert tag_message(repository, "one").startswith("promoted: better")
    assert git(repository, "show", "retrain/one:dvc.lock") == "made: 1"
    delete_tag(repository, "one")
    assert recorded_ids(repository) == []
