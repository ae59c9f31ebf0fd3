import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pipelines.api import answers, comes_up, get_json

NOWHERE = "http://127.0.0.1:9"
# A name that nothing can look up: only a proxy answers for it.
ELSEWHERE = "http://rig.invalid/api"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def pages():
    """What the server answers, by path: a status and a body."""
    return {"/api/health": (200, b"true")}


@pytest.fixture
def address(pages):
    """A server that answers with the pages, also as a proxy does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = pages.get(self.path.removeprefix("http://rig.invalid"), (404, b"true"))
            self.send_response(status)
            self.send_header("Location", "/api/health")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def sleeper():
    """A process that does not end by itself."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, text=True)
    with process:
        yield process
        process.kill()


def test_get_json__is_what_the_server_says(address, pages):
    pages["/api/admin/settings"] = (200, b'{"home": "/rig"}')
    assert get_json(f"{address}/api/admin/settings") == {"home": "/rig"}


def test_get_json__follows_to_another_address(address, pages):
    pages["/health"] = (307, b"")
    assert get_json(f"{address}/health") is True


@pytest.mark.parametrize("page", [(200, b"<html>"), (200, b"\xff"), (500, b"true")])
def test_get_json__what_is_no_answer_in_json_is_none(address, pages, page):
    pages["/page"] = page
    assert get_json(f"{address}/page") is None


@pytest.mark.parametrize("url", [NOWHERE, ELSEWHERE, "rig/api", "http://[", "ftp://127.0.0.1/"])
def test_get_json__where_nothing_answers_is_none(url):
    assert get_json(url) is None


def test_get_json__goes_through_the_environments_proxy(address, monkeypatch):
    monkeypatch.setenv("http_proxy", address)
    assert get_json(f"{ELSEWHERE}/health") is True


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_get_json__this_machine_is_reached_without_proxy(address, monkeypatch, host):
    monkeypatch.setenv("http_proxy", NOWHERE)
    monkeypatch.setenv("NO_PROXY", "rig.invalid")
    url = f"{address.replace('127.0.0.1', host)}/api/health"
    code = f"from pipelines.api import get_json; print(get_json({url!r}))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "True\n"


def test_import__keeps_the_users_own_exceptions_from_the_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "rig.invalid")
    code = "import os, pipelines; print(os.environ['no_proxy'], os.environ['NO_PROXY'])"
    found = subprocess.check_output([sys.executable, "-c", code], text=True).split()
    assert found == ["rig.invalid,127.0.0.1,localhost"] * 2


def test_answers__only_where_the_server_is_well(address, pages):
    assert answers(f"{address}/api")
    pages["/api/health"] = (200, b'{"status": "starting"}')
    assert not answers(f"{address}/api")


def test_comes_up__waits_until_it_answers(address, pages, sleeper):
    class Waited(threading.Event):
        def wait(self, timeout=None):
            pages["/api/health"] = (200, b"true")
            return super().wait(timeout)

    pages["/api/health"] = (503, b"true")
    assert comes_up(f"{address}/api", sleeper, 60.0, Waited())


def test_comes_up__told_to_stop_it_waits_no_longer(sleeper):
    stop = threading.Event()
    stop.set()
    assert not comes_up(f"{NOWHERE}/api", sleeper, 3600.0, stop)


def test_comes_up__a_server_that_ended_is_not_waited_for(sleeper):
    sleeper.kill()
    sleeper.wait()
    assert not comes_up(f"{NOWHERE}/api", sleeper, 3600.0)


def test_comes_up__takes_no_longer_than_it_may(sleeper):
    assert not comes_up(f"{NOWHERE}/api", sleeper, 0.0)


def test_import__needs_nothing_of_prefect():
    code = "import sys, pipelines.deploy; sys.exit('prefect' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
