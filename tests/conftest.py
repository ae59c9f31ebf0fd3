import shutil

import pytest
import torch

from ssvif.data.images import write_png
from ssvif.data.synthetic import render_pair
from ssvif.models.network import build_model
from ssvif.params import NetworkParams
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


@pytest.fixture(scope="session")
def tiny_network():
    return TINY


@pytest.fixture
def tiny_model(tiny_network):
    torch.manual_seed(0)
    return build_model(tiny_network)


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
