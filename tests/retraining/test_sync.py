"""A tiny project's life for real, without a network; then MLflow lost and rebuilt."""

import shutil
import sys

import pytest
from mlflow import MlflowClient

from benchmarks.projects import commit, git, tiny_project, write_captures
from ssvif.errors import RetrainingError
from ssvif.params import load_params
from ssvif.registry.bundle import bundle_hash
from ssvif.registry.history import history
from ssvif.registry.promotion import promote
from ssvif.retraining.sync import recorded_revisions, sync
from ssvif.tracking.store import URI_VARIABLE
from tests.network import missing_for_it, without_network

pytestmark = pytest.mark.slow

# Of the moment and the machine, or of what no revision records.
PASSING = (
    *("mlflow.parentRunId", "mlflow.user", "mlflow.runName"),
    *("ssvif.process", "ssvif.host", "ssvif.pushed"),
)

REFUSED = (sys.executable, "-m", "pipelines.retrain", "--set", "gate.superiority=9.0")


@pytest.fixture(scope="module")
def lived(tmp_path_factory, fresh_database):
    """A project that was trained once and retrained once; no test may change it."""
    folder = tiny_project(tmp_path_factory.mktemp("lived") / "project", pairs=20)
    shutil.copyfile(fresh_database, folder / "mlflow.db")
    without_network(sys.executable, "-m", "dvc", "repro", folder=folder)
    commit(folder, "results")
    write_captures(folder / "data/captures/more", pairs=12, seed=5)
    without_network(*REFUSED, folder=folder)
    return folder


@pytest.fixture
def lost(lived, tmp_path, monkeypatch, fresh_database):
    """A copy of it whose store is empty."""
    project = shutil.copytree(lived, tmp_path / "project", symlinks=True)
    shutil.copyfile(fresh_database, project / "mlflow.db")
    shutil.rmtree(project / "mlartifacts")
    monkeypatch.setenv(URI_VARIABLE, f"sqlite:///{project}/mlflow.db")
    monkeypatch.chdir(project)
    return project


def _place(project):
    return {"name": "ssvif", "experiment": "ssvif", "champion_folder": project / "models/champion"}


def _runs(folder):
    """What the store says of each recorded stage, by the hash of its record."""
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("ssvif").experiment_id
    found = {}
    for run in client.search_runs([experiment]):
        record = run.data.tags.get("ssvif.record")
        if record is None or run.data.tags["ssvif.stage"] == "register":
            continue
        tags = {key: value for key, value in run.data.tags.items() if key not in PASSING}
        metrics = {
            key: value for key, value in run.data.metrics.items() if not key.startswith("system/")
        }
        found[record] = (run.info.run_name, run.info.status, run.data.params, metrics, tags)
    return found


def _versions(folder):
    """What the registry says of each version, and its aliases."""
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    passing = ("ssvif.led_since", "ssvif.git_commit")
    versions = {
        int(found.version): {k: v for k, v in found.tags.items() if k not in passing}
        for found in client.search_model_versions("name = 'ssvif'")
    }
    return versions, client.get_registered_model("ssvif").aliases


def test_loop__leads_goes_back_and_fuses_without_a_network(lived, tmp_path):
    if missing_for_it():
        pytest.skip(missing_for_it())
    project = shutil.copytree(lived, tmp_path / "project", symlinks=True)

    def run(*command):
        return without_network("ssvif", *command, folder=project, capture=True)

    assert "version 1" in run("champion")
    why = ("--by", "rig", "--reason", "to see it lead")
    run("promote", "2", "--force", *why)
    assert "version 2" in run("champion")
    run("rollback", *why)
    assert "version 1" in run("champion")
    pairs = project / "data/captures/more"
    run("fuse", str(pairs / "vis"), str(pairs / "ir"), "-o", "fused")
    assert len(list((project / "fused").glob("*.png"))) == 12


def test_retrain__the_same_once_more_is_nothing_new(lived, tmp_path):
    project = shutil.copytree(lived, tmp_path / "project", symlinks=True)
    said = without_network(*REFUSED, folder=project, capture=True)
    assert "nothing is new since the retraining" in said
    assert git(project, "tag", "--list", "retrain/*") == git(lived, "tag", "--list", "retrain/*")


def test_sync__brings_the_same_runs_and_versions_back(lived, lost):
    done = sync(lost, recorded_revisions(lost), load_params())
    assert _runs(lost) == _runs(lived)
    assert _versions(lost) == _versions(lived)
    assert done.champion == 1
    kinds = [event.kind for event in history(name="ssvif", experiment="ssvif")]
    assert kinds == ["refusal", "first"]


def test_sync__twice_changes_nothing(lost):
    revisions = recorded_revisions(lost)
    first = sync(lost, revisions, load_params())
    before = _versions(lost)
    again = sync(lost, revisions, load_params())
    assert (again.runs, again.versions, again.events) == (0, (), 0)
    assert again.champion == first.champion
    assert _versions(lost) == before


def test_sync__of_head_alone(lost):
    done = sync(lost, ["HEAD"], load_params())
    assert (done.versions, done.champion) == ((1,), 1)


def test_sync__the_champion_at_hand_leads_whatever_is_recorded(lived, lost, fresh_database):
    sync(lost, recorded_revisions(lost), load_params())
    promote(2, **_place(lost), by="Ada", reason="it looks better")
    shutil.copyfile(fresh_database, lost / "mlflow.db")
    done = sync(lost, recorded_revisions(lost), load_params())
    assert done.champion == 2
    assert bundle_hash(lost / "models/champion") != bundle_hash(lived / "models/champion")


def test_sync__on_a_clone_without_a_champion_at_hand(lived, lost):
    shutil.rmtree(lost / "models")
    assert sync(lost, recorded_revisions(lost), load_params()).champion == 1
    assert bundle_hash(lost / "models/champion") == bundle_hash(lived / "models/champion")


def test_sync__refuses_what_dvc_has_not_kept(lost):
    shutil.rmtree(lost / ".dvc/cache")
    with pytest.raises(RetrainingError, match="DVC has not kept what it names"):
        sync(lost, ["HEAD"], load_params())
    assert git(lost, "worktree", "list").count("\n") == 0


def test_sync__refuses_a_revision_without_a_model(lost):
    first = git(lost, "rev-list", "--max-parents=0", "HEAD")
    with pytest.raises(RetrainingError, match="names no model bundle"):
        sync(lost, [first], load_params())


def test_sync__refuses_a_revision_that_is_not_there(lost):
    with pytest.raises(RetrainingError, match="no commit or tag of this repository"):
        sync(lost, ["nowhere"], load_params())
