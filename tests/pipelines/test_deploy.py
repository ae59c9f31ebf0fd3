import os
import socket
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from pipelines import api
from pipelines import deploy as module
from pipelines.deploy import deploy, server, settings
from ssvif.errors import ServiceError


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


@pytest.fixture
def taken():
    """A port on which something listens that never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_settings__everything_stays_in_the_project_and_on_this_machine(tmp_path):
    found = settings(tmp_path / ".prefect", 4211)
    assert found["PREFECT_HOME"] == str(tmp_path / ".prefect")
    assert found["PREFECT_API_URL"] == "http://127.0.0.1:4211/api"
    database = f"sqlite+aiosqlite:///{tmp_path}/.prefect/prefect.db"
    assert found["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == database
    assert found["PREFECT_SERVER_UI_V2_ENABLED"] == "false"


def test_settings__what_a_user_set_stays(monkeypatch):
    database = "postgresql+asyncpg://rig@db/prefect"
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", database)
    monkeypatch.setenv("PREFECT_CLIENT_MAX_RETRIES", "9")
    found = {**os.environ, **settings(Path("/home"), 4200)}
    assert found["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == database
    assert found["PREFECT_CLIENT_MAX_RETRIES"] == "9"


def test_server__a_port_that_somebody_else_has_is_named(tmp_path, taken, monkeypatch):
    monkeypatch.setattr(api, "_GET_S", 0.2)
    environment = settings(tmp_path, taken)
    with (
        pytest.raises(ServiceError, match=f"port {taken} is taken, and not by this project's"),
        server(tmp_path, taken, environment, threading.Event()),
    ):
        pass


def test_server__a_configured_one_that_does_not_answer_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with (
        pytest.raises(ServiceError, match="no Prefect server answers; start it") as failure,
        server(tmp_path, 4200, settings(tmp_path, 4200), threading.Event()),
    ):
        pass
    assert failure.value.transient


def test_server__ours_that_runs_already_is_used(tmp_path, taken, monkeypatch):
    pages = {"settings": {"home": str(tmp_path)}}
    monkeypatch.setattr(module, "get_json", lambda url: pages[url.rpartition("/")[2]])
    with server(tmp_path, taken, settings(tmp_path, taken), threading.Event()):
        pass


def test_deploy__a_second_one_of_the_same_project_is_refused(tmp_path):
    (tmp_path / ".prefect").mkdir()
    with (
        FileLock(tmp_path / ".prefect/deploy.lock"),
        pytest.raises(ServiceError, match="this project is deployed already"),
    ):
        deploy(4200, "data/drop", threading.Event())


def test_deploy__told_to_end_while_its_server_starts_it_waits_for_nothing(monkeypatch):
    started = []

    @contextmanager
    def running(name, _command, _environment):
        started.append(name)
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE, text=True) as process:
            yield process

    monkeypatch.setattr(module, "_running", running)
    monkeypatch.setattr(module, "_START_S", 3.0)
    stop = threading.Event()
    stop.set()
    deploy(_free_port(), "data/drop", stop)
    assert started == ["server"]
