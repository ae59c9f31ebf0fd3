import copy
import shutil
import signal
import sqlite3

import pandas as pd
import pytest
import torch
from sqlalchemy import event
from sqlalchemy.engine import Engine

from ssvif.data.images import write_png
from ssvif.data.ingest import ingest
from ssvif.data.manifest import MANIFEST_FILE, PAIRS_FOLDER, SCHEMA, pair_paths, write_manifest
from ssvif.data.synthetic import render_pair
from ssvif.files import sha256_json
from ssvif.models.network import build_model
from ssvif.models.weights import save_model
from ssvif.params import IngestParams, NetworkParams
from ssvif.registry.bundle import write_bundle
from ssvif.tracking import store

# A backbone that is built and run in milliseconds.
TINY = NetworkParams(
    channels=4,
    blocks=1,
    backbone="mobilenetv3_small_050",
    pretrained=False,
    embedding=8,
    prototypes=4,
)


@pytest.fixture(scope="session", autouse=True)
def _hear_interrupts():
    """A shell's background job begins deaf to SIGINT, and so would all that tests start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def _hasty_databases():
    """No test lasts beyond a power cut: SQLite need not wait for the disk."""

    def hasten(connection, _):
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", hasten)
    yield
    event.remove(Engine, "connect", hasten)


@pytest.fixture(scope="session")
def tiny_network():
    return TINY


@pytest.fixture(scope="session")
def _tiny_model(tiny_network):
    torch.manual_seed(0)
    return build_model(tiny_network)


@pytest.fixture
def tiny_model(_tiny_model):
    torch.manual_seed(0)
    return copy.deepcopy(_tiny_model)


@pytest.fixture(scope="session")
def street(tmp_path_factory):
    """A folder of eight registered captures, 128x128, called 00 to 07; no test may change it."""
    folder = tmp_path_factory.mktemp("captures") / "street"
    for number in range(8):
        pair = render_pair(number, seed=0, height=128, width=128)
        write_png(folder / "vis" / f"{number:02}.png", pair.vis)
        write_png(folder / "ir" / f"{number:02}.png", pair.ir)
    return folder


@pytest.fixture(scope="session")
def fresh_database(tmp_path_factory):
    """A new MLflow database, made once: its tables take seconds."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(store.URI_VARIABLE, f"sqlite:///{path}")
        store.open_client()
    return path


@pytest.fixture
def tracked_project(tmp_path, monkeypatch, fresh_database):
    """An empty folder as the current one, with an MLflow store of its own."""
    shutil.copyfile(fresh_database, tmp_path / "mlflow.db")
    monkeypatch.setenv(store.URI_VARIABLE, f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _manifest_row(number, split):
    """A row of the manifest; columns that no test here is about have some value."""
    fillers = {"int64": 64, "bool": False, "float64": 0.5}
    row = {name: fillers.get(str(column.dtype), "x") for name, column in SCHEMA.columns.items()}
    digest = sha256_json(number)
    return {
        **row,
        "id": digest[:16],
        "set": ("roads", "fields")[number // 2 % 2],
        "name": f"{number:03}",
        "vis_sha256": digest,
        "ir_sha256": digest[::-1],
        "height": 64,
        "width": 80,
        "light": ("day", "night")[number // 4 % 2],
        "split": split,
        "block": f"b{number // 2}",
    }


@pytest.fixture(scope="session")
def rendered(tmp_path_factory):
    """Twelve held-out pairs of six blocks, and four to train on; no test may change them."""
    root = tmp_path_factory.mktemp("rendered")
    rows = [_manifest_row(number, "test" if number < 12 else "train") for number in range(16)]
    for number, row in enumerate(rows):
        pair = render_pair(number, seed=0, height=64, width=80)
        vis, ir = pair_paths(row["id"], root / PAIRS_FOLDER)
        write_png(vis, pair.vis)
        write_png(ir, pair.ir)
    write_manifest(root / MANIFEST_FILE, pd.DataFrame(rows).sort_values(["set", "name"]))
    return root


@pytest.fixture
def project(rendered, tmp_path):
    """A project's folder with pairs that a test may change."""
    return shutil.copytree(rendered, tmp_path / "project")


@pytest.fixture
def led_project(tmp_path, monkeypatch, street, tiny_model, tiny_network):
    """A project of eight pairs as the current folder; its champion learnt the six to train on."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(street, tmp_path / "data/captures/street")
    ingest(IngestParams(block_size=1, val_share=0.0, test_share=0.25))
    weights = tmp_path / "weights.safetensors"
    save_model(weights, tiny_model, network=tiny_network)
    write_bundle(
        tmp_path / "models/champion",
        weights=weights,
        params={},
        metrics={},
        lineage={},
        manifest=MANIFEST_FILE,
        card="# A model\n",
    )
    return tmp_path
