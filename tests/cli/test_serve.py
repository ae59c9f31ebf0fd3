import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading

import httpx
import numpy as np
import pytest

import ssvif
from ssvif.cli.serve import _token
from ssvif.data.synthetic import render_pair
from ssvif.errors import ServerError
from ssvif.files import atomic_folder, sha256_file
from ssvif.fuse.places import PRETRAINED
from tests.server.processes import MAIN, SECONDS, serving
from tests.server.stubs import decoded, encoded

# A model whose network waits for a file.
_SLOW = (
    """
import time
from pathlib import Path
import ssvif.server.run as run

load = run.load_served

def load_slow(found, runtime):
    model = load(found, runtime)
    fuse = model.fuse

    def slow(vis, ir, view):
        while ir.shape == (64, 96) and not Path("go").exists():
            time.sleep(0.01)
        return fuse(vis, ir, view)

    model.fuse = slow
    return model

run.load_served = load_slow
"""
    + MAIN
)


@pytest.fixture(scope="module")
def pair():
    return render_pair(0, seed=0, height=64, width=96)


@pytest.fixture(scope="module")
def files(pair):
    return {"vis": ("a.png", encoded(pair.vis)), "ir": ("a.png", encoded(pair.ir))}


def test_serve__fuses_as_the_library_does_and_ends_when_told(tmp_path, pair, files):
    with serving(tmp_path) as server:
        response = server.client.post("/v1/fuse", files=files)
        expected = ssvif.fuse(pair.vis, pair.ir, model=PRETRAINED)
        np.testing.assert_array_equal(decoded(response.content), expected)
        assert server.address.startswith("http://127.0.0.1:")
        _say_nonsense(server.address)
        broken = {"content-type": "multipart/form-data; boundary=x"}
        assert server.client.post("/v1/fuse", content=b"--y", headers=broken).status_code == 400
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(SECONDS) == 0
    assert "Traceback" not in server.log
    assert "boundary" not in server.log  # what parsers say of what comes
    assert "nvalid HTTP" not in server.log
    assert "upgrade" not in server.log
    assert "ended before" not in server.log


def _say_nonsense(address):
    host, port = address.removeprefix("http://").split(":")
    upgrade = (
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n"
    )
    for said, status in ((b"nonsense\r\n\r\n", b"400"), (upgrade + b"\r\n", b"200")):
        with socket.create_connection((host, int(port)), timeout=SECONDS) as connection:
            connection.sendall(said)
            assert connection.recv(100).split()[1] == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve__a_signal_lets_what_runs_end(tmp_path, files, number):
    with serving(tmp_path, code=_SLOW) as server:
        answers = []
        ask = threading.Thread(
            target=lambda: answers.append(server.client.post("/v1/fuse", files=files))
        )
        ask.start()
        metrics = httpx.Client(base_url=server.address)
        server.until(lambda: "ssvif_in_flight 1.0" in metrics.get("/metrics").text)
        server.process.send_signal(number)
        server.until(lambda: not _is_listening(server.address))
        assert server.process.poll() is None
        (tmp_path / "go").touch()
        ask.join()
        assert answers[0].status_code == 200
        assert server.process.wait(SECONDS) == 0


def _asking(server, files):
    """Ask in a thread until the pair is in work; return it, and whether it failed at its end."""
    failed = []

    def ask():
        try:
            failed.append(server.client.post("/v1/fuse", files=files).status_code != 200)
        except httpx.TransportError:
            failed.append(True)

    asking = threading.Thread(target=ask)
    asking.start()
    metrics = httpx.Client(base_url=server.address)
    server.until(lambda: "ssvif_in_flight 1.0" in metrics.get("/metrics").text)
    return asking, failed


@pytest.mark.slow
def test_serve__what_runs_has_no_longer_than_its_grace(tmp_path, files):
    with serving(tmp_path, "--grace", "1", code=_SLOW) as server:
        asking, failed = _asking(server, files)
        server.process.send_signal(signal.SIGTERM)
        asking.join(SECONDS)
        assert failed == [True]
        assert server.process.wait(SECONDS) == 0
    assert "ended before all that ran was done" in server.log


def test_serve__a_second_signal_ends_at_once(tmp_path, files):
    with serving(tmp_path, "--grace", "600", code=_SLOW) as server:
        asking, failed = _asking(server, files)
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("ending; what runs has 600 seconds")
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(SECONDS) == 0
        asking.join(SECONDS)
        assert failed == [True]
    assert "ended before all that ran was done" in server.log


def _is_listening(address):
    host, port = address.removeprefix("http://").split(":")
    try:
        socket.create_connection((host, int(port)), timeout=SECONDS).close()
    except ConnectionError:
        return False
    return True


def test_serve__a_new_champion_without_a_restart(tmp_path, files):
    with serving(tmp_path, "--poll", "0.1") as server:
        assert server.client.get("/v1/model").json()["name"] == "pretrained"
        with atomic_folder(tmp_path / "models/champion") as new:
            shutil.copytree(PRETRAINED, new, dirs_exist_ok=True)
            (new / "MODEL_CARD.md").write_text("# Ours\n")
        server.until(lambda: server.client.get("/v1/model").json()["name"] == "champion")
        assert server.client.get("/v1/model").json()["card"] == "# Ours\n"
        response = server.client.post("/v1/fuse", files=files)
        weights = sha256_file(PRETRAINED / "weights.safetensors")
        assert response.headers["x-ssvif-model"] == weights


@pytest.mark.slow
def test_serve__a_token_from_the_environment_or_a_file(tmp_path, files):
    (tmp_path / "token").write_text("sesame\n")
    headers = {"authorization": "Bearer sesame"}
    for arguments, variables in (
        ((), {"SSVIF_TOKEN": "sesame"}),
        (("--token-file", "token"), {}),
    ):
        with serving(tmp_path, *arguments, **variables) as server:
            assert server.client.post("/v1/fuse", files=files).status_code == 401
            answer = server.client.post("/v1/fuse", files=files, headers=headers)
            assert answer.status_code == 200
            assert "sesame" not in server.log


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "variables", "status"),
    [(("--max-mb", "0.01"), {}, 413), ((), {"SSVIF_TOKEN": "sesame"}, 401)],
)
def test_serve__a_refusal_reaches_a_client_that_still_sends(tmp_path, arguments, variables, status):
    with serving(tmp_path, *arguments, **variables) as server:
        host = server.address.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=SECONDS)
        kind = {"content-type": "multipart/form-data; boundary=x"}
        connection.request("POST", "/v1/fuse", body=bytes(5_000_000), headers=kind)
        assert connection.getresponse().status == status
        connection.close()


def _ssvif(*arguments, cwd, **variables):
    command = [sys.executable, "-c", MAIN, "serve", *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, env=environment
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--port", "0", "--model", "nothing"), "nothing: no model there"),
        (("--host", "::"), "other machines can reach it, and there is no token"),
        (("--host", "192.0.2.1", "--without-token"), "192.0.2.1:8000: cannot listen there"),
        (("--token-file", "nothing"), "nothing: the token cannot be read"),
    ],
)
def test_serve__cannot_start(tmp_path, arguments, said):
    done = _ssvif(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in done.stderr


def test_serve__a_port_that_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = _ssvif("--port", port, cwd=tmp_path)
    assert done.returncode == 2
    assert f"error: 127.0.0.1:{port}: cannot listen there" in done.stderr


def test_serve__an_empty_token_is_refused(tmp_path):
    done = _ssvif(cwd=tmp_path, SSVIF_TOKEN="")
    assert done.returncode == 2
    assert "the token is empty" in done.stderr


def test_token__has_no_spaces_around_it(tmp_path, monkeypatch):
    monkeypatch.setenv("SSVIF_TOKEN", "sesame\n")
    assert _token(None) == "sesame"
    (tmp_path / "token").write_text(" sesame\r\n")
    assert _token(tmp_path / "token") == "sesame"
    monkeypatch.delenv("SSVIF_TOKEN")
    assert _token(None) is None


@pytest.mark.parametrize(
    "token", ["s\N{LATIN SMALL LETTER E WITH ACUTE}same", "two words", "a\x7fb"]
)
def test_token__that_no_client_can_send(tmp_path, monkeypatch, token):
    (tmp_path / "token").write_text(token, encoding="utf-8")
    monkeypatch.setenv("SSVIF_TOKEN", token)
    for file in (None, tmp_path / "token"):
        with pytest.raises(ServerError, match="the token has what no client can send"):
            _token(file)


def test_serve__imports_nothing_that_it_does_not_need(tmp_path, files):
    names = ("torch", "timm", "mlflow", "prefect", "pandas", "scipy", "av", "matplotlib", "dvc")
    code = (
        "import sys\n"
        "import ssvif.server.run as run\n"
        "from ssvif.server.service import Service\n"
        "ready = Service.require_ready\n"
        "def tell(self):\n"
        "    ready(self)\n"
        f"    print('imported', [n for n in {names} if n in sys.modules], file=sys.stderr)\n"
        "Service.require_ready = tell\n"
    )
    with serving(tmp_path, code=code + MAIN) as server:
        assert server.client.post("/v1/fuse", files=files).status_code == 200
        found = server.wait_for(r"imported (\[.*\])")
    assert found.group(1) == "[]"
