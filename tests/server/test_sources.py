import shutil

import pytest

from ssvif.errors import ModelError
from ssvif.files import atomic_folder
from ssvif.fuse.places import PRETRAINED
from ssvif.registry.resolve import Registered
from ssvif.server.served import Runtime, load_served
from ssvif.server.sources import ChampionSource, PathSource, RegistrySource


@pytest.fixture
def champion(tmp_path):
    return tmp_path / "models/champion"


def replace(folder):
    with atomic_folder(folder) as new:
        shutil.copytree(PRETRAINED, new, dirs_exist_ok=True)


def test_find__the_packages_model_until_there_is_a_champion(champion):
    source = ChampionSource(champion)
    before = source.find()
    assert (before.path, before.name) == (PRETRAINED, "pretrained")
    replace(champion)
    after = source.find()
    assert (after.path, after.name) == (champion, "champion")
    assert after.mark != before.mark


def test_find__a_champion_that_is_gone_is_not_the_packages_model(champion):
    replace(champion)
    source = ChampionSource(champion)
    source.find()
    shutil.rmtree(champion)
    with pytest.raises(ModelError, match="no model there"):
        source.find()


def test_find__a_replaced_folder_has_another_mark(champion):
    replace(champion)
    source = PathSource(champion)
    first = source.find()
    assert source.find() == first
    replace(champion)
    assert source.find().mark != first.mark


@pytest.mark.parametrize(
    ("place", "name"), [("bundle-0.3", "bundle-0.3"), ("a.b.safetensors", "a.b")]
)
def test_find__the_name_of_a_folder_is_whole(tmp_path, place, name):
    if place.endswith("safetensors"):
        (tmp_path / place).touch()
    else:
        (tmp_path / place).mkdir()
    assert PathSource(tmp_path / place).find().name == name


def test_find__a_file_that_is_missing(tmp_path):
    with pytest.raises(ModelError, match="weights: no model there"):
        PathSource(tmp_path / "weights").find()


def test_find__the_registrys_alias_moves(monkeypatch, tmp_path):
    leads, fetched = Registered("ssvif", 3, "a" * 64), []

    def fetch(found):
        fetched.append(found.version)
        return tmp_path / found.digest

    monkeypatch.setattr("ssvif.registry.resolve.look_up", lambda _: leads)
    monkeypatch.setattr("ssvif.registry.resolve.fetch_bundle", fetch)
    source = RegistrySource("models:/ssvif@champion")
    found = source.find()
    assert (found.name, found.version, found.path.name) == ("ssvif@champion", "3", "a" * 64)
    assert source.find() == found
    leads = Registered("ssvif", 4, "b" * 64)
    assert source.find().mark != found.mark
    assert fetched == [3, 4]  # each time all its files are read


def test_load_served__knows_the_packages_model():
    facts = load_served(PathSource(PRETRAINED).find(), Runtime()).facts
    assert facts.name == "pretrained"
    assert facts.parameters == 40_679
    assert not facts.segmentation
    assert facts.card.startswith("# The fusion model that comes with SSVIF")
    assert "msrs_test" in facts.metrics


def test_load_served__knows_a_champions_commit(champion):
    replace(champion)
    (champion / "lineage.json").write_text('{"git_commit": "0123abc"}')
    facts = load_served(PathSource(champion).find(), Runtime()).facts
    assert facts.commit == "0123abc"


@pytest.mark.parametrize(
    ("metrics", "lineage"),
    [(b"[1, 2", b"\xff\xfe"), (b"[1, 2]", b'{"git_commit": 5}'), (b"", b"null")],
)
def test_load_served__a_folder_with_broken_papers_still_fuses(champion, metrics, lineage):
    replace(champion)
    (champion / "metrics.json").write_bytes(metrics)
    (champion / "lineage.json").write_bytes(lineage)
    served = load_served(PathSource(champion).find(), Runtime())
    served.warm_up()
    assert (served.facts.metrics, served.facts.commit) == ({}, None)


def test_load_served__figures_that_are_no_numbers_can_be_told(champion):
    replace(champion)
    (champion / "metrics.json").write_text('{"EN": NaN}')
    facts = load_served(PathSource(champion).find(), Runtime()).facts
    assert facts.metrics == {"EN": None}
