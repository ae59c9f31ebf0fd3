import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from filelock import FileLock

from benchmarks.projects import git
from ssvif.errors import RetrainingError
from ssvif.files import scratch_prefix
from ssvif.params import load_params
from ssvif.retraining import workspace
from ssvif.retraining.git import try_dvc
from ssvif.retraining.identity import Inputs, fingerprint, head_commit, list_files
from ssvif.retraining.leftovers import VARIABLE
from ssvif.retraining.state import read_state, write_state
from ssvif.retraining.workspace import absolute_uri, hold_retraining, take_up, try_lock
from ssvif.retraining.worktree import list_worktrees
from ssvif.tracking.store import URI_VARIABLE


def inputs_of(project, **overrides):
    return Inputs(head_commit(project), fingerprint(list_files(project)), None, overrides)


@pytest.fixture(scope="module")
def prepared(_repository, tmp_path_factory):
    """A project with a remote beside it, and a workspace in it; no test may change them."""
    project = shutil.copytree(_repository, tmp_path_factory.mktemp("prepared") / "a project")
    for name in ("data/captures/street/vis/0.png", "data/golden/manifest.parquet"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(name)
    (project / ".dvc/config.local").write_text(
        "['remote \"store\"']\n    url = ../../store\n"
        "['remote \"far\"']\n    url = s3://bucket/path\n    secret_access_key = 50%x\n"
    )
    (project / ".dvc/config.local").chmod(0o600)
    (project / "dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    (project / "data/.ingest.json").write_text("{}")
    inputs = inputs_of(project, **{"stage_two.steps": 7})
    return take_up(project, inputs.id, inputs)


def test_take_up__the_commit_with_captures_and_overrides(prepared):
    folder, project = prepared.folder, prepared.project
    name = "data/captures/street/vis/0.png"
    assert (folder / name).samefile(project / name)
    assert (folder / "data/golden/manifest.parquet").is_file()
    assert load_params(folder / "params.yaml").stage_two.steps == 7
    assert load_params(project / "params.yaml").stage_two.steps != 7
    assert git(project, "status", "--porcelain", "--untracked-files=no") == ""
    assert prepared.state.ready
    assert not prepared.resumed


def test_take_up__what_the_project_has_ingested_is_known(prepared):
    for name in ("dvc.lock", "data/.ingest.json"):
        assert (prepared.folder / name).read_bytes() == (prepared.project / name).read_bytes()


def test_take_up__shares_the_cache_and_reaches_the_remote(prepared):
    def dvc(*words):
        command = [sys.executable, "-m", "dvc", *words]
        done = subprocess.run(command, cwd=prepared.folder, capture_output=True, text=True)
        return done.stdout.strip()

    assert dvc("cache", "dir") == str(prepared.project / ".dvc/cache")
    assert dvc("config", "remote.store.url") == str(prepared.project.parent / "store")
    assert dvc("config", "remote.far.url") == "s3://bucket/path"
    assert dvc("config", "remote.far.secret_access_key") == "50%x"
    assert (prepared.folder / ".dvc/config.local").stat().st_mode & 0o777 == 0o600  # passwords
    assert (prepared.folder / ".cache").resolve() == prepared.project / ".cache"


def test_environment__says_where_runs_go_and_whose_processes_they_are(prepared, monkeypatch):
    monkeypatch.delenv(URI_VARIABLE, raising=False)
    found = prepared.environment
    assert found[URI_VARIABLE] == f"sqlite:///{prepared.project}/mlflow.db"
    assert found["PYTHONPATH"] == found["SSVIF_RETRAINING"] == str(prepared.folder)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sqlite:///mine.db", "sqlite:////home/p/mine.db"),
        ("sqlite:////var/all.db", "sqlite:////var/all.db"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
    ],
)
def test_absolute_uri__holds_from_anywhere(monkeypatch, uri, expected):
    monkeypatch.setenv(URI_VARIABLE, uri)
    assert absolute_uri(Path("/home/p")) == expected


def test_commit_inputs__runs_name_a_commit_that_holds_them(prepared):
    commit = prepared.commit_inputs("parameters")
    held = yaml.safe_load(git(prepared.project, "show", f"{commit}:params.yaml"))
    assert held["stage_two"]["steps"] == 7
    assert git(prepared.folder, "status", "--porcelain", "--untracked-files=no") == ""


class TestResuming:
    """In a project that has no DVC remote and nothing ingested."""

    @pytest.fixture
    def inputs(self, repository):
        return inputs_of(repository)

    def test_take_up__goes_on_where_it_was_left(self, repository, inputs):
        first = take_up(repository, inputs.id, inputs)
        (first.folder / "half.txt").touch()
        again = take_up(repository, inputs.id, inputs)
        assert again.resumed
        assert (again.folder / "half.txt").is_file()
        again.close()
        assert list_worktrees(repository) == []
        assert list((repository / ".retrain").glob(f"{inputs.id}*")) == []

    def test_take_up__what_dvc_left_half_written_is_in_nobodys_way(self, repository, inputs):
        folder = take_up(repository, inputs.id, inputs).folder
        (folder / "half.txt").touch()
        (folder / ".dvc/tmp").mkdir(exist_ok=True)
        (folder / ".dvc/tmp/rwlock").touch()
        assert "JSON structure is corrupted" in try_dvc(folder, "add", "half.txt").stderr
        assert take_up(repository, inputs.id, inputs).resumed
        assert try_dvc(folder, "add", "half.txt").returncode == 0

    def test_take_up__one_that_was_cut_short_is_made_anew(self, repository, inputs):
        first = take_up(repository, inputs.id, inputs)
        (first.folder / "half.txt").touch()
        state = read_state(repository, inputs.id)
        write_state(repository, state.model_copy(update={"ready": False}))
        again = take_up(repository, inputs.id, inputs)
        assert not again.resumed
        assert not (again.folder / "half.txt").exists()

    def test_take_up__captures_that_changed_meanwhile_are_refused(
        self, repository, inputs, announced
    ):
        (repository / "data/captures/street/vis/2.png").touch()
        with pytest.raises(RetrainingError, match="the captures changed"):
            take_up(repository, inputs.id, inputs)
        assert not announced.exists()  # it is due again at once


def test_take_up__captures_are_copied_where_they_cannot_be_linked(repository, monkeypatch):
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    inputs = inputs_of(repository)
    monkeypatch.setattr(os, "link", refuse)
    folder = take_up(repository, inputs.id, inputs).folder
    name = "data/captures/street/vis/0.png"
    assert (folder / name).read_text() == (repository / name).read_text()
    assert (folder / name).stat().st_mtime_ns == (repository / name).stat().st_mtime_ns


def test_hold_retraining__equal_inputs_run_once(repository):
    inputs = inputs_of(repository)
    with hold_retraining(repository, inputs) as name:
        assert name == inputs.id
        with (
            pytest.raises(RetrainingError, match=f"{name} of the same .* is running already"),
            hold_retraining(repository, inputs),
        ):
            pass
        with hold_retraining(repository, inputs_of(repository, seed=1)) as other:
            assert other != name
    with hold_retraining(repository, inputs) as name:
        assert name == inputs.id


def test_hold_retraining__while_garbage_is_collected_none_begins(repository, monkeypatch):
    monkeypatch.setattr(workspace, "_COLLECTING_SECONDS", 0.0)
    (repository / ".retrain").mkdir()
    with (
        FileLock(repository / workspace.COLLECTING),
        pytest.raises(RetrainingError, match="`ssvif reap --gc` has collected garbage"),
        hold_retraining(repository, inputs_of(repository)),
    ):
        pass


def test_hold_retraining__a_kill_while_a_state_was_written_is_in_nobodys_way(repository):
    (repository / ".retrain").mkdir()
    (repository / ".retrain" / f"{scratch_prefix()}abc.json").touch()
    inputs = inputs_of(repository)
    with hold_retraining(repository, inputs) as name:
        assert name == inputs.id


def test_hold_retraining__a_dvc_gc_whose_parent_was_killed_is_ended_first(repository):
    process = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, VARIABLE: str(repository / ".retrain/collecting.lock")},
    )
    process.stdout.readline()
    with hold_retraining(repository, inputs_of(repository)):
        assert process.poll() not in (None, 0)


def test_hold_retraining__is_free_when_its_holder_is_killed(repository):
    inputs = inputs_of(repository)
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from ssvif.retraining.identity import Inputs\n"
        "from ssvif.retraining.workspace import hold_retraining\n"
        f"with hold_retraining(Path('.'), {inputs!r}):\n"
        "    print(flush=True)\n    sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    process.stdout.readline()
    with (
        pytest.raises(RetrainingError, match="is running already"),
        hold_retraining(repository, inputs),
    ):
        pass
    process.kill()
    process.wait()
    with hold_retraining(repository, inputs) as name:
        assert name == inputs.id


def test_try_lock__says_whether_it_is_held(tmp_path):
    with try_lock(tmp_path / "x.lock") as first, try_lock(tmp_path / "x.lock") as second:
        assert (first, second) == (True, False)
