"""One PostgreSQL cluster and one S3 store for all tests of a process; databases for each test."""

import importlib.util
import itertools
import os
import subprocess
import sys

import pytest

from tests.services import servers

REQUIRED = "SSVIF_REQUIRE_SERVICES"
_numbers = itertools.count()


@pytest.fixture(scope="session")
def installed():
    lacks = servers.missing()
    if lacks:
        end = pytest.fail if os.environ.get(REQUIRED) else pytest.skip
        end(f"not on this machine: {'; '.join(lacks)}")


@pytest.fixture(scope="session")
def ray_installed():
    if importlib.util.find_spec("ray") is None:
        end = pytest.fail if os.environ.get(REQUIRED) else pytest.skip
        end("not on this machine: ray (pip install -e '.[services-test]')")


@pytest.fixture(scope="session")
def postgres(installed):  # noqa: ARG001  # says what is missing
    with servers.postgres() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def s3(installed):  # noqa: ARG001  # says what is missing
    """The environment that leads S3 clients to a store of these tests."""
    with servers.s3_store() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield environment


@pytest.fixture
def bucket(s3):
    return make_bucket(s3)


@pytest.fixture(scope="session")
def mlflow_tables(postgres):
    """A database with MLflow's tables, to be copied: making them takes seconds."""
    url = postgres.create("mlflow_tables")
    # Another process, for a database is copied only while nobody is connected to it.
    command = "from ssvif.tracking.store import open_client; open_client()"
    environment = {**os.environ, "MLFLOW_TRACKING_URI": url}
    subprocess.run([sys.executable, "-c", command], env=environment, check=True)
    return "mlflow_tables"


@pytest.fixture
def shared_store(postgres, mlflow_tables, bucket, monkeypatch):
    """MLflow's own database on PostgreSQL, artifacts in S3; the current environment leads there."""
    url = postgres.create(f"mlflow_{next(_numbers)}", mlflow_tables)
    lead_to(url, bucket, monkeypatch)
    return url


@pytest.fixture
def at_rig(rig, monkeypatch):
    """The project `rig` of a file of tests as the current folder, with its services."""
    lead_to(rig.tracking, rig.bucket, monkeypatch)
    monkeypatch.chdir(rig.folder)
    return rig


@pytest.fixture(scope="session")
def mlflow_server(postgres, mlflow_tables, s3):
    """MLflow's server with its store on PostgreSQL, and artifacts that pass through it to S3."""
    store = postgres.create("mlflow_server", mlflow_tables)
    with servers.mlflow_server(store, f"{make_bucket(s3)}/proxied") as server:
        yield server


@pytest.fixture(params=["database", "server"])
def tracked(request, tmp_path, monkeypatch):
    """An empty folder as the current one, whose runs go to services, directly or by a server."""
    if request.param == "database":
        request.getfixturevalue("shared_store")
    else:
        server = request.getfixturevalue("mlflow_server")
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lead_to(tracking, bucket, patch) -> None:
    """Let MLflow keep its runs in a database and their files in a bucket."""
    patch.setenv("MLFLOW_TRACKING_URI", tracking)
    patch.setenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", f"{bucket}/mlflow")


def make_bucket(environment) -> str:
    """Make a bucket of its own and return its address."""
    import boto3

    name = f"ssvif-{os.getpid()}-{next(_numbers)}"
    boto3.client("s3", endpoint_url=environment["AWS_ENDPOINT_URL"]).create_bucket(Bucket=name)
    return f"s3://{name}"


def upload(environment, folder, place, marker=None) -> None:
    """Copy a folder into a bucket, as a rig does, with an empty marker file at last."""
    import boto3

    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    client = boto3.client("s3", endpoint_url=environment["AWS_ENDPOINT_URL"])
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        client.upload_file(str(path), bucket, f"{prefix}/{path.relative_to(folder).as_posix()}")
    if marker:
        client.put_object(Bucket=bucket, Key=f"{prefix}/{marker}", Body=b"")
