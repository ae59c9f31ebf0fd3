import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.projects import ROOT, git
from ssvif.retraining.deliveries import MARKER
from ssvif.retraining.due import Due, mark_due_announced

_FILES = (".dvc/config", ".dvc/.gitignore", ".gitignore", ".dvcignore", "params.yaml")
_PINS = ("data/champion.lock.json", "data/golden.json")


@pytest.fixture(scope="session")
def _repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repository") / "project"
    for name in (*_FILES, *_PINS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    (folder / "dvc.yaml").write_text("stages: {sample: {cmd: x}, ingest: {cmd: y}}\n")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "begin")
    return folder


@pytest.fixture
def repository(_repository, tmp_path, monkeypatch):
    """A git and DVC project without code, with four files in its inbox; the current folder."""
    folder = tmp_path / "project"
    shutil.copytree(_repository, folder, symlinks=True)
    for name in ("vis/0.png", "ir/0.png", "vis/1.png", "ir/1.png"):
        path = folder / "data" / "captures" / "street" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def announced(repository):
    """What tells that a retraining in the repository was announced."""
    mark_due_announced(Due(3, 3, 3, 0.0, frozenset("abc")), root=repository)
    return repository / "data/deliveries/.announced.json"


@pytest.fixture
def dead_pid():
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.fixture
def deliver(street):
    """Put some of the street's pairs into the current project's drop folder, complete."""

    def deliver(name, numbers, *, marked=True):
        folder = Path("data/drop", name)
        for kind in ("vis", "ir"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            for number in numbers:
                shutil.copy(street / kind / f"{number:02}.png", folder / kind)
        if marked:
            (folder / MARKER).touch()
        return folder

    return deliver
