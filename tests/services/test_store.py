"""Runs on PostgreSQL with artifacts in S3, as MLflow's client reaches them itself."""

import pytest

from ssvif.tracking import store

pytestmark = pytest.mark.services


@pytest.mark.usefixtures("shared_store")
def test_store__artifacts_go_where_the_environment_says(bucket, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    opened = store.Store(store.open_client(), "ssvif")
    found = opened.client.get_experiment(opened.experiment_id)
    assert found.artifact_location == f"{bucket}/mlflow"
