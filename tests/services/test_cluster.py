"""Fusing on a Ray cluster: a machine that dies, and what one machine alone would have made."""

import contextlib
import os
import subprocess
import sys

import numpy as np
import psutil
import pytest
from PIL import Image

from ssvif.data.images import write_png
from ssvif.data.synthetic import render_pair
from ssvif.fuse import cluster
from ssvif.fuse.cluster import fuse_on_cluster
from ssvif.fuse.files import fuse_files
from ssvif.fuse.pairing import pair_files
from ssvif.fuse.recipe import Recipe
from tests.services import servers
from tests.services.ray_nodes import ray_nodes

# They share a cluster, one of whose machines dies in the first test and comes back.
pytestmark = [pytest.mark.services, pytest.mark.usefixtures("ray_installed")]

PAIRS = 300
DAMAGED = "123"
PATIENCE_SECONDS = 480
LOOPBACK = {"127.0.0.1", "::ffff:127.0.0.1", "::1"}
PRETRAINED = Recipe(None)


@pytest.fixture(scope="module")
def captures(tmp_path_factory):
    """Synthetic pairs of a few scenes, one of them damaged."""
    folder = tmp_path_factory.mktemp("captures")
    scenes = [render_pair(index, seed=0, height=120, width=160) for index in range(4)]
    for number in range(PAIRS):
        scene = scenes[number % len(scenes)]
        write_png(folder / "vis" / f"{number}.png", scene.vis)
        write_png(folder / "ir" / f"{number}.png", scene.ir)
    (folder / "vis" / f"{DAMAGED}.png").write_bytes(b"not a picture")
    return folder


def _start(captures, out, address, **variables):
    command = [sys.executable, "-c", "from ssvif.cli.main import main; main()", "fuse"]
    command += ["vis", "ir", "-o", str(out), "--model", "pretrained", "--ray", address]
    return subprocess.Popen(
        command,
        cwd=captures,
        env={**os.environ, **variables},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _made(out):
    """The fused images by name, without what a killed process was writing."""
    return {path.name: path for path in out.glob("[!.]*.png")}


@pytest.fixture(scope="module")
def nodes(ray_installed):  # noqa: ARG001  # says what is missing
    with ray_nodes(workers=2) as found:
        yield found


def test_fuse_on_cluster__a_machine_dies_and_nothing_is_lost(nodes, captures, tmp_path):
    out = tmp_path / "out"
    calling = _start(captures, out, nodes.address)
    servers.wait_until(lambda: calling.poll() is not None or len(_made(out)) > 20, "images")
    nodes.kill_one()
    before = {name: path.stat() for name, path in _made(out).items()}
    said, told = calling.communicate(timeout=PATIENCE_SECONDS)
    nodes.add()
    assert len(before) < PAIRS - 100, "the machine died too late"
    assert calling.returncode == 3, told
    assert "1 failed with the package's model" in said
    assert f"failed: vis/{DAMAGED}.png: " in told
    made = _made(out)
    assert set(made) == {f"{number}.png" for number in range(PAIRS)} - {f"{DAMAGED}.png"}
    for name, stat in before.items():
        assert made[name].stat().st_ino == stat.st_ino, f"{name} was done twice"

    again = _start(captures, out, nodes.address)
    said, told = again.communicate(timeout=PATIENCE_SECONDS)
    assert again.returncode == 3, told
    assert f"fused 0 of {PAIRS} pairs, {PAIRS - 1} were done already, 1 failed" in said

    pairs = pair_files(captures / "vis", captures / "ir", tmp_path / "alone")
    fuse_files(PRETRAINED.load(), pairs)
    assert len(_made(tmp_path / "alone")) == PAIRS - 1
    for name, path in _made(tmp_path / "alone").items():
        assert path.read_bytes() == made[name].read_bytes()


def test_fuse_on_cluster__deep_infrared_has_the_range_that_one_machine_finds(nodes, tmp_path):
    for number in range(12):
        scene = render_pair(number, seed=0, height=72, width=96)
        write_png(tmp_path / "vis" / f"{number}.png", scene.vis)
        deep = 27_000 + 20 * scene.ir.astype(np.uint16) + 100 * number
        (tmp_path / "ir").mkdir(exist_ok=True)
        Image.fromarray(deep).save(tmp_path / "ir" / f"{number}.png")
    pairs = pair_files(tmp_path / "vis", tmp_path / "ir", tmp_path / "out")
    assert fuse_on_cluster(nodes.address, PRETRAINED, pairs).fused == 12
    assert fuse_files(PRETRAINED.load(), pairs).skipped == 12


def _deadly(block, task):
    if b"/13.png" in b"".join(block["paths"].to_pylist()):
        os._exit(9)
    return cluster._fuse_block(block, task)


def test_fuse_on_cluster__a_pair_that_kills_its_process(nodes, captures, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_fuse_block", _deadly)
    pairs = pair_files(captures / "vis", captures / "ir", tmp_path / "out")
    done = fuse_on_cluster(nodes.address, PRETRAINED, pairs)
    died = {path for path, reason in done.failed.items() if "died" in reason}
    assert captures / "vis" / "13.png" in died
    assert len(died) <= 8
    assert done.fused == PAIRS - len(done.failed)


def test_fuse_on_cluster__local_listens_on_loopback_only(captures, tmp_path):
    calling = _start(captures, tmp_path / "out", "local", OMP_NUM_THREADS="1")
    heard, ours = set(), psutil.Process(calling.pid)
    ended = None
    while ended is None:
        heard |= _addresses(ours)
        with contextlib.suppress(subprocess.TimeoutExpired):
            ended = calling.wait(0.5)
    said, told = calling.communicate()
    assert calling.returncode == 3, told
    assert f"fused {PAIRS - 1} of {PAIRS} pairs, 1 failed" in said
    assert heard
    assert heard <= LOOPBACK


def _addresses(process):
    heard = set()
    with contextlib.suppress(psutil.NoSuchProcess):
        for each in (process, *process.children(recursive=True)):
            connections = each.net_connections("inet")
            heard |= {each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN}
    return heard
