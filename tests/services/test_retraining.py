"""Retrainings on services alone: captures from a bucket, MLflow and Prefect on PostgreSQL."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from mlflow import MlflowClient

from benchmarks.projects import commit, git, tiny_project, write_captures
from ssvif.errors import ServiceError
from ssvif.registry.bundle import bundle_hash
from ssvif.registry.promotion import promote
from ssvif.registry.rollback import rollback
from ssvif.retraining.deliveries import MARKER
from ssvif.retraining.remote import awaited_deliveries, fetch_deliveries
from tests.services.conftest import lead_to, make_bucket, upload
from tests.services.servers import prefect_server

pytestmark = pytest.mark.services

PLACE = {"name": "ssvif", "experiment": "ssvif", "champion_folder": Path("models/champion")}


@dataclass(frozen=True)
class Rig:
    """A project after two retrainings, and where its services are."""

    folder: Path
    tracking: str
    prefect: str
    bucket: str


@pytest.fixture(scope="module")
def rig(tmp_path_factory, postgres, mlflow_tables, s3):
    folder = tiny_project(tmp_path_factory.mktemp("rig") / "project", pairs=20)
    bucket = make_bucket(s3)
    add = [sys.executable, "-m", "dvc", "remote", "add", "--default", "store", f"{bucket}/dvc"]
    subprocess.run(add, cwd=folder, check=True)
    commit(folder, "a remote")
    store = postgres.create("mlflow_retraining", mlflow_tables)
    flows = postgres.create("prefect")
    with (
        prefect_server(flows.replace("psycopg2", "asyncpg"), folder) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        rig = Rig(folder, store, flows, bucket)
        lead_to(store, bucket, patch)
        patch.setenv("PREFECT_API_URL", f"{server.url}/api")
        patch.setenv("PREFECT_HOME", str(folder / ".prefect"))
        retrain(folder)
        write_captures(folder / "data/captures/second", pairs=12, seed=5)
        retrain(folder)
        yield rig


def retrain(folder):
    subprocess.run(
        [sys.executable, "-m", "pipelines.retrain"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        check=True,
    )


def test_retrain__both_models_are_registered_and_every_run_has_ended(at_rig):
    client = MlflowClient(at_rig.tracking)
    versions = client.search_model_versions("name = 'ssvif'")
    assert sorted(int(version.version) for version in versions) == [1, 2]
    experiment = client.get_experiment_by_name("ssvif")
    assert experiment.artifact_location.startswith(at_rig.bucket)
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED"}
    events = [run.data.tags["ssvif.event"] for run in runs if "ssvif.event" in run.data.tags]
    assert "first" in events
    assert len(events) == 2


def test_retrain__flows_are_kept_in_the_database(at_rig, postgres):
    query = "SELECT state_type FROM flow_run WHERE name LIKE '%files of captures'"
    assert postgres.execute(query, at_rig.prefect.rpartition("/")[2]) == [("COMPLETED",)] * 2


def test_retrain__is_recorded_and_its_files_come_back_from_the_bucket(at_rig, tmp_path):
    tags = git(at_rig.folder, "tag", "--list", "retrain/*", "--sort=creatordate").splitlines()
    assert len(tags) == 2
    assert not [path for path in at_rig.folder.glob(".retrain/*") if path.is_dir()]
    clone = tmp_path / "clone"
    git(at_rig.folder, "clone", "--quiet", "--branch", tags[-1], str(at_rig.folder), str(clone))
    subprocess.run(
        [sys.executable, "-m", "dvc", "pull", "--quiet", "models/bundle"], cwd=clone, check=True
    )
    client = MlflowClient(at_rig.tracking)
    tagged = client.get_model_version("ssvif", "2").tags["ssvif.bundle"]
    assert bundle_hash(clone / "models/bundle") == tagged


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


def test_fetch_deliveries__complete_ones_of_a_bucket_come_once(s3, bucket, street, tmp_path):
    place = f"{bucket}/rig"
    upload(s3, street, f"{place}/monday")
    upload(s3, street, f"{place}/tuesday", marker=MARKER)
    assert fetch_deliveries(place, tmp_path, quiet_seconds=3600.0) == ["tuesday"]
    for image in street.rglob("*.png"):
        copy = tmp_path / "tuesday" / image.relative_to(street)
        assert copy.read_bytes() == image.read_bytes()
    assert awaited_deliveries(place, tmp_path, quiet_seconds=3600.0) == []
    assert awaited_deliveries(place, tmp_path, quiet_seconds=0.0) == ["monday"]
    assert fetch_deliveries(place, tmp_path, quiet_seconds=0.0) == ["monday"]
    assert fetch_deliveries(place, tmp_path, quiet_seconds=0.0) == []


@pytest.mark.usefixtures("s3")
def test_fetch_deliveries__no_such_bucket(tmp_path):
    with pytest.raises(ServiceError, match="no-such-bucket/rig: cannot be read"):
        fetch_deliveries("s3://no-such-bucket/rig", tmp_path, quiet_seconds=0.0)


def test_fetch_deliveries__nothing_has_arrived_yet(bucket, tmp_path):
    assert fetch_deliveries(f"{bucket}/rig", tmp_path, quiet_seconds=0.0) == []
