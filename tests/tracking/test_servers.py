import pytest

from ssvif.errors import TrackingError
from ssvif.tracking import store
from ssvif.tracking.servers import (
    ARTIFACT_ROOT_VARIABLE,
    artifact_root,
    check_database_server,
    is_database_server,
)

ADDRESS = "postgresql+nosuchdriver://ann:hunter2@127.0.0.1:1/mlflow"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("postgresql+psycopg2://ann@host/mlflow", True),
        ("mysql://host/mlflow", True),
        ("sqlite:///mlflow.db", False),
        ("https://host", False),
    ],
)
def test_is_database_server__by_scheme(uri, expected):
    assert is_database_server(uri) is expected


def test_check_database_server__unknown_driver(monkeypatch):
    def no_driver(*_, **__):
        raise ModuleNotFoundError("No module named 'psycopg'", name="psycopg")

    monkeypatch.setattr("sqlalchemy.create_engine", no_driver)
    with pytest.raises(TrackingError, match=r"driver psycopg is not .* postgresql\+psycopg2://"):
        check_database_server("postgresql://ann:secret@host/mlflow")


def test_artifact_root__says_what_to_set_and_no_password(monkeypatch):
    monkeypatch.delenv(ARTIFACT_ROOT_VARIABLE, raising=False)
    with pytest.raises(TrackingError, match="set it to s3://") as caught:
        artifact_root(ADDRESS)
    assert "hunter2" not in str(caught.value)


def test_artifact_root__from_the_environment(monkeypatch):
    monkeypatch.setenv(ARTIFACT_ROOT_VARIABLE, "s3://bucket/runs")
    assert artifact_root(ADDRESS) == "s3://bucket/runs"


@pytest.mark.usefixtures("project")
def test_store__local_database_with_files_elsewhere(monkeypatch):
    monkeypatch.setenv(ARTIFACT_ROOT_VARIABLE, "s3://bucket/runs")
    opened = store.Store(store.open_client(), "elsewhere")
    found = opened.client.get_experiment(opened.experiment_id)
    assert found.artifact_location == "s3://bucket/runs"
