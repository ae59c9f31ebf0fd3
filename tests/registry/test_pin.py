import json
from pathlib import Path

import pytest

from ssvif.errors import ModelError
from ssvif.registry.bundle import bundle_hash
from ssvif.registry.pin import (
    LOCK,
    ChampionLock,
    Pin,
    pinned_bundle,
    pinned_folder,
    read_lock,
    write_lock,
)


@pytest.fixture
def pin(tmp_path, make_bundle):
    digest = make_bundle(folder="made")
    pin = Pin(name="ssvif", version=3, bundle=digest, weights="0" * 64)
    pinned_folder(pin, tmp_path).parent.mkdir(parents=True)
    (tmp_path / "made").rename(pinned_folder(pin, tmp_path))
    return pin


def test_read_lock__a_missing_file_pins_nothing(tmp_path):
    assert read_lock(tmp_path / "none.json") == ChampionLock()


def test_write_lock__is_read_back(tmp_path, pin):
    lock = ChampionLock(start=pin, champion=None)
    write_lock(lock, tmp_path / "lock.json")
    assert read_lock(tmp_path / "lock.json") == lock


@pytest.mark.parametrize("content", ["{", '{"starts": null}', '{"start": {"name": "ssvif"}}'])
def test_read_lock__refuses_what_it_does_not_understand(tmp_path, content):
    path = tmp_path / "lock.json"
    path.write_text(content)
    with pytest.raises(ModelError, match="git checkout"):
        read_lock(path)


def test_read_lock__names_an_unknown_key_of_a_pin(tmp_path):
    path = tmp_path / "lock.json"
    path.write_text('{"champion": {"wieghts": ""}}')
    with pytest.raises(ModelError, match=r"unknown key champion\.wieghts; did you mean weights\?"):
        read_lock(path)


def test_pinned_bundle__each_role_has_its_own(tmp_path, pin):
    path = tmp_path / "lock.json"
    write_lock(ChampionLock(start=pin, champion=None), path)
    found = pinned_bundle("start", path, tmp_path)
    assert found is not None
    assert bundle_hash(found) == pin.bundle
    assert pinned_bundle("champion", path, tmp_path) is None


def test_pinned_bundle__refuses_another_bundle(tmp_path, pin):
    path = tmp_path / "lock.json"
    write_lock(ChampionLock(start=pin), path)
    card = pinned_folder(pin, tmp_path) / "MODEL_CARD.md"
    card.write_text("another")
    with pytest.raises(ModelError, match="not the bundle of ssvif version 3"):
        pinned_bundle("start", path, tmp_path)


def test_repository_lock__pins_nothing():
    root = Path(__file__).parents[2]
    assert json.loads((root / LOCK).read_text()) == {"champion": None, "start": None}
