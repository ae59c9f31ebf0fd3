from pathlib import Path

import pytest

from ssvif.errors import CapturesError, ModelError
from ssvif.fuse.places import CHAMPION, WEIGHTS_NAME
from ssvif.models.weights import save_model
from ssvif.retraining.batch import fuse_delivery

FUSED = Path("fused")


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def champion(tiny_model, tiny_network):
    CHAMPION.mkdir(parents=True)
    save_model(CHAMPION / WEIGHTS_NAME, tiny_model, network=tiny_network)


@pytest.mark.usefixtures("champion")
def test_fuse_delivery__all_pairs_once(street):
    first = fuse_delivery(street, FUSED)
    assert (first.fused, first.skipped, first.failed) == (8, 0, {})
    assert len(list(FUSED.glob("*.png"))) == 8
    again = fuse_delivery(street, FUSED)
    assert (again.fused, again.skipped) == (0, 8)


@pytest.mark.usefixtures("champion")
def test_fuse_delivery__goes_on_where_it_was_killed(street):
    fuse_delivery(street, FUSED)
    (FUSED / "03.png").unlink()
    assert fuse_delivery(street, FUSED).fused == 1


@pytest.mark.usefixtures("champion")
def test_fuse_delivery__no_such_delivery(tmp_path):
    with pytest.raises(CapturesError, match="no such folder"):
        fuse_delivery(tmp_path / "nowhere", FUSED)


def test_fuse_delivery__without_a_champion(street):
    with pytest.raises(ModelError):
        fuse_delivery(street, FUSED)
