import os
import subprocess
import sys
import threading

import pytest

from ssvif.errors import RetrainingError
from ssvif.retraining.git import run_dvc, run_git
from ssvif.retraining.leftovers import end_leftovers, leftover_processes


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


def test_try_dvc__what_a_kill_leaves_of_it_is_known_by_the_folder(repository):
    os.mkfifo(repository / "pipe")
    (repository / "dvc.yaml").write_text("stages: {wait: {cmd: cat pipe}}\n")
    script = (
        "from pathlib import Path\n"
        "from ssvif.retraining.git import try_dvc\n"
        "try_dvc(Path('.'), 'repro', 'wait')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script])
    with (repository / "pipe").open("w"):  # waits for the stage to open it
        process.kill()
        process.wait()
        found = leftover_processes(repository)
        assert end_leftovers(repository) == len(found) > 1
    assert leftover_processes(repository) == []
