"""Runs on PostgreSQL with artifacts in S3, as MLflow's client reaches them itself."""

import time

import pytest
from sqlalchemy.exc import OperationalError

from ssvif.errors import TrackingError
from ssvif.tracking import store
from tests.services import servers

pytestmark = pytest.mark.services


@pytest.mark.usefixtures("shared_store")
def test_store__artifacts_go_where_the_environment_says(bucket, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    opened = store.Store(store.open_client(), "ssvif")
    found = opened.client.get_experiment(opened.experiment_id)
    assert found.artifact_location == f"{bucket}/mlflow"


def test_store__a_database_without_a_place_for_files_is_refused(
    postgres, mlflow_tables, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", postgres.create("placeless", mlflow_tables))
    monkeypatch.delenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", raising=False)
    client = store.open_client()
    with pytest.raises(TrackingError, match="set it to s3://"):
        store.Store(client, "nowhere")


@pytest.mark.usefixtures("installed")
def test_open_client__a_dead_database_is_told_of_at_once(monkeypatch):
    address = f"postgresql+psycopg2://{servers.USER}@{servers.HOST}:{servers.free_port()}/mlflow"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    began = time.monotonic()
    with pytest.raises(OperationalError):
        store.open_client()
    assert time.monotonic() - began < 30
