"""A tiny project on services alone: MLflow on PostgreSQL, its files and DVC's in S3."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient

from benchmarks.projects import commit, git, tiny_project
from ssvif.files import sha256_file
from ssvif.registry.bundle import bundle_hash
from ssvif.registry.glance import glance
from ssvif.registry.resolve import resolve_model
from ssvif.tracking.push import push_records
from ssvif.tracking.store import PIPELINE_RUN_TAG
from tests.services.conftest import lead_to, make_bucket

pytestmark = pytest.mark.services

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


def run_dvc(folder, *arguments):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
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
