import threading

import pytest

from ssvif.errors import RetrainingError
from ssvif.retraining.git import run_dvc, run_git


def test_run_git__returns_what_it_prints(repository):
    assert run_git(repository, "rev-parse", "--abbrev-ref", "HEAD") == "main"


def test_run_git__refusal_is_one_line(repository):
    with pytest.raises(RetrainingError, match=r"^git checkout in .*nowhere.*$"):
        run_git(repository, "checkout", "nowhere")


def test_run_git__waits_for_a_lock_of_another_git(repository):
    lock = repository / ".git" / "index.lock"
    lock.touch()
    timer = threading.Timer(0.6, lock.unlink)
    timer.start()
    (repository / "new").touch()
    run_git(repository, "add", "new")
    timer.join()
    assert run_git(repository, "diff", "--cached", "--name-only") == "new"


def test_run_git__is_not_led_astray_by_a_hooks_environment(repository, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert run_git(repository, "rev-parse", "--abbrev-ref", "HEAD") == "main"


def test_run_dvc__refusal_is_one_line(repository):
    with pytest.raises(RetrainingError, match="dvc nonsense in"):
        run_dvc(repository, "nonsense")
