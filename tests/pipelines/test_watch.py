import threading
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from prefect.exceptions import ObjectNotFound

from pipelines import watch as module
from pipelines.watch import Starter, watch
from ssvif.errors import RetrainingError

DEADLINE_S = 30.0


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("retraining: {quiet_seconds: 1000.0}\n")


@pytest.fixture
def watching(monkeypatch):
    """Watch a drop folder in a thread; what was started is in a list, and wakes who waits."""
    monkeypatch.setattr(module, "_POLL_S", 0.2)
    stop, woken, started = threading.Event(), threading.Event(), []

    def start(drop, reason):
        started.append((drop, reason))
        woken.set()

    thread = threading.Thread(target=watch, args=["data/drop", start, stop])
    thread.start()
    yield started, woken
    stop.set()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()


def test_watch__a_delivery_is_seen_when_it_is_complete(watching):
    started, woken = watching
    folder = Path("data/drop/street--1")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "0.png").write_bytes(b"0")
    assert not woken.wait(1.0)
    (folder / "_COMPLETE").touch()
    assert woken.wait(DEADLINE_S)
    assert started[0] == ("data/drop", "street--1 arrived")


def test_watch__a_folder_that_cannot_be_read_is_watched_as_far_as_it_can(monkeypatch):
    asked = {}
    monkeypatch.setattr(module, "changes", lambda *_, **kinds: asked.update(kinds) or ())
    watch("data/drop", lambda *_: None, threading.Event())
    assert asked["ignore_permission_denied"]


def test_watch__goes_on_when_looking_or_starting_fails(watching, monkeypatch, caplog):
    _, woken = watching
    errors = [RetrainingError("the journal is damaged"), httpx.ConnectError("refused")]

    def reason(*_):
        if errors:
            raise errors.pop(0)
        return "all is well"

    monkeypatch.setattr(module, "reason_to_ingest", reason)
    assert woken.wait(DEADLINE_S)
    assert "the journal is damaged" in caplog.text
    assert "Prefect cannot start ingest/ingest yet (refused)" in caplog.text


class Server:
    """What a Starter asks of Prefect's client."""

    def __init__(self):
        self.runs = []
        self.is_final = False
        self.is_deleted = False

    def read_deployment_by_name(self, name):
        assert name == "ingest/ingest"
        return type("Deployment", (), {"id": uuid4()})

    def create_flow_run_from_deployment(self, _deployment, *, parameters):
        self.runs.append(parameters["reason"])
        return type("Run", (), {"id": uuid4(), "name": "run"})

    def read_flow_run(self, _run):
        if self.is_deleted:
            raise ObjectNotFound(Exception("no such run"))
        state = type("State", (), {"is_final": lambda _: self.is_final})()
        return type("Run", (), {"state": state})


@pytest.fixture
def server(stand_in):
    return stand_in(module, Server())


def test_starter__one_run_at_a_time(server):
    starter = Starter()
    for reason in ("a arrived", "b arrived"):
        starter.start("data/drop", reason)
    assert server.runs == ["a arrived"]
    server.is_final = True
    starter.start("data/drop", "b arrived")
    assert server.runs == ["a arrived", "b arrived"]


def test_starter__a_run_that_somebody_deleted_does_not_go_on(server):
    starter = Starter()
    starter.start("data/drop", "a arrived")
    server.is_deleted = True
    starter.start("data/drop", "b arrived")
    assert server.runs == ["a arrived", "b arrived"]


def test_starter__a_run_that_was_in_vain_is_not_repeated_at_once(server, monkeypatch):
    starter = Starter()
    server.is_final = True
    starter.start("data/drop", "a arrived")
    starter.start("data/drop", "a arrived")
    assert server.runs == ["a arrived"]
    monkeypatch.setattr(module, "_PAUSE_S", 0.0)
    starter.start("data/drop", "a arrived")
    assert server.runs == ["a arrived"] * 2
