"""A tiny project on services alone: MLflow and Prefect on PostgreSQL, files in S3.

One story in the order of its tests: the pipeline runs, then a retraining.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient

from benchmarks.projects import commit, git, tiny_project, write_captures
from ssvif.files import sha256_file
from ssvif.registry.bundle import bundle_hash
from ssvif.registry.glance import glance
from ssvif.registry.promotion import promote
from ssvif.registry.resolve import resolve_model
from ssvif.registry.rollback import rollback
from ssvif.tracking.push import push_records
from ssvif.tracking.store import PIPELINE_RUN_TAG
from tests.services.conftest import lead_to, make_bucket
from tests.services.servers import prefect_server

pytestmark = pytest.mark.services

PLACE = {"name": "ssvif", "experiment": "ssvif", "champion_folder": Path("models/champion")}
RESULTS = ("data/manifest.parquet", "models/stage_two.safetensors", "reports/evaluate/metrics.json")


@dataclass(frozen=True)
class Rig:
    """A project after its pipeline ran, and where its services are."""

    folder: Path
    tracking: str
    bucket: str


@pytest.fixture(scope="module")
def rig(tmp_path_factory, postgres, mlflow_tables, s3):
    folder = tiny_project(tmp_path_factory.mktemp("rig") / "project", pairs=20)
    bucket = make_bucket(s3)
    rig = Rig(folder, postgres.create("mlflow_pipeline", mlflow_tables), bucket)
    run_dvc(rig.folder, "remote", "add", "--default", "store", f"{bucket}/dvc")
    with pytest.MonkeyPatch.context() as patch:
        lead_to(rig.tracking, bucket, patch)
        run_dvc(rig.folder, "repro")
    commit(rig.folder, "results")
    return rig


@pytest.fixture(scope="module")
def flows(rig, postgres):
    """The database of Prefect, after a retraining of the project on further captures."""
    database = postgres.create("prefect")
    write_captures(rig.folder / "data/captures/second", pairs=12, seed=5)
    with (
        prefect_server(database.replace("psycopg2", "asyncpg"), rig.folder) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        lead_to(rig.tracking, rig.bucket, patch)
        patch.setenv("PREFECT_API_URL", f"{server.url}/api")
        patch.setenv("PREFECT_HOME", str(rig.folder / ".prefect"))
        run(rig.folder, "pipelines.retrain")
    return database


def run_dvc(folder, *arguments):
    run(folder, "dvc", *arguments)


def run(folder, module, *arguments):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(folder)},
        check=True,
    )


def runs_of(client, query=""):
    experiment = client.get_experiment_by_name("ssvif")
    return list(client.search_runs([experiment.experiment_id], query))


def test_repro__every_stage_is_a_finished_run_whose_files_are_in_s3(at_rig):
    client = MlflowClient(at_rig.tracking)
    runs = runs_of(client)
    assert {run.info.status for run in runs} == {"FINISHED"}
    stages = {run.info.run_name: run for run in runs}
    assert {"ingest", "stage_one", "stage_two", "evaluate"} <= stages.keys()
    assert all(run.info.artifact_uri.startswith(f"{at_rig.bucket}/mlflow/") for run in runs)
    two = stages["stage_two"]
    (plot,) = [f for f in client.list_artifacts(two.info.run_id) if f.path.endswith("weight.png")]
    assert plot.file_size > 0
    assert two.data.metrics["stage_two/train/loss"] > 0
    assert len(runs_of(client, f"tags.`{PIPELINE_RUN_TAG}` LIKE '%'")) >= 1
    assert not (at_rig.folder / "mlflow.db").exists()
    assert not (at_rig.folder / "mlartifacts").exists()


def test_repro__the_registry_gives_the_same_bundle_back(at_rig, tmp_path):
    found = resolve_model("models:/ssvif@champion", tmp_path)
    assert bundle_hash(found) == bundle_hash(at_rig.folder / "models/champion")


@pytest.mark.usefixtures("at_rig")
def test_glance__asks_mlflow_where_the_store_is_no_local_file():
    assert glance("ssvif", bundle_tag="ssvif.bundle") is None


def test_repro__again_registers_nothing(at_rig):
    client = MlflowClient(at_rig.tracking)
    before = len(runs_of(client))
    run_dvc(at_rig.folder, "repro")
    assert len(client.search_model_versions("name = 'ssvif'")) == 1
    assert len(runs_of(client)) == before


def test_push_records__nothing_is_left_to_push(at_rig):
    assert push_records(at_rig.folder / "runs", experiment="ssvif") == []


def test_dvc_pull__another_clone_gets_the_same_bytes(at_rig, tmp_path):
    run_dvc(at_rig.folder, "push")
    clone = tmp_path / "clone"
    git(at_rig.folder, "clone", "--quiet", str(at_rig.folder), str(clone))
    run_dvc(clone, "pull")
    for name in RESULTS:
        assert sha256_file(clone / name) == sha256_file(at_rig.folder / name), name
    pairs = sorted(path.name for path in (clone / "data/pairs/vis").iterdir())
    assert pairs == sorted(path.name for path in (at_rig.folder / "data/pairs/vis").iterdir())


@pytest.mark.usefixtures("flows")
def test_retrain__both_models_are_registered_and_every_run_has_ended(at_rig):
    client = MlflowClient(at_rig.tracking)
    versions = client.search_model_versions("name = 'ssvif'")
    assert sorted(int(version.version) for version in versions) == [1, 2]
    experiment = client.get_experiment_by_name("ssvif")
    assert experiment.artifact_location.startswith(at_rig.bucket)
    runs = runs_of(client)
    assert {run.info.status for run in runs} == {"FINISHED"}
    events = [run.data.tags["ssvif.event"] for run in runs if "ssvif.event" in run.data.tags]
    assert "first" in events
    assert len(events) == 2


def test_retrain__its_flow_is_kept_in_the_database(flows, postgres):
    query = "SELECT state_type FROM flow_run WHERE name LIKE '%files of captures'"
    assert postgres.execute(query, flows.rpartition("/")[2]) == [("COMPLETED",)]


@pytest.mark.usefixtures("flows")
def test_retrain__is_recorded_and_its_files_come_back_from_the_bucket(at_rig, tmp_path):
    (tag,) = git(at_rig.folder, "tag", "--list", "retrain/*").splitlines()
    assert not [path for path in at_rig.folder.glob(".retrain/*") if path.is_dir()]
    clone = tmp_path / "clone"
    git(at_rig.folder, "clone", "--quiet", "--branch", tag, str(at_rig.folder), str(clone))
    run_dvc(clone, "pull", "--quiet", "models/bundle")
    client = MlflowClient(at_rig.tracking)
    tagged = client.get_model_version("ssvif", "2").tags["ssvif.bundle"]
    assert bundle_hash(clone / "models/bundle") == tagged


@pytest.mark.usefixtures("flows")
def test_promote__and_back_again(at_rig):
    client = MlflowClient(at_rig.tracking)
    champion = int(client.get_model_version_by_alias("ssvif", "champion").version)
    other = 3 - champion
    why = {"by": "rig", "reason": "to see it lead"}
    assert promote(other, **PLACE, **why).champion == other
    held = bundle_hash(Path("models/champion"))
    assert held == client.get_model_version("ssvif", str(other)).tags["ssvif.bundle"]
    assert rollback(**PLACE, **why).champion == champion
    assert int(client.get_model_version_by_alias("ssvif", "champion").version) == champion
    held = bundle_hash(Path("models/champion"))
    assert held == client.get_model_version("ssvif", str(champion)).tags["ssvif.bundle"]
