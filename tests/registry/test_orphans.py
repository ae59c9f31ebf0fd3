import shutil
from pathlib import Path
from urllib.parse import urlparse

import pytest
from mlflow import MlflowClient

from ssvif.registry import orphans
from ssvif.registry.bundle import bundle_hash
from ssvif.registry.orphans import Orphans, aliased_bundles, remove_old_versions, remove_orphans
from ssvif.registry.versions import Registry
from ssvif.tracking.store import Store

PLACE = {"name": "fuser", "experiment": "ssvif"}


@pytest.fixture
def client(two_versions):  # noqa: ARG001 - the store that it opens is made by it
    """The registry of two versions: 1 is champion, 2 challenger; no others have files."""
    return MlflowClient()


def numbers(client):
    return sorted(int(version.version) for version in Registry(client, "fuser").versions())


def add_third(client, bundle):
    """Register version 3, whose files are its own, and return where they lie."""
    registry, store = Registry(client, "fuser"), Store(client, "ssvif")
    tags = {"ssvif.bundle": "of-three"}
    registry.add(bundle, experiment_id=store.experiment_id, run_id=None, tags=tags)
    model_id = registry.version(3).source.removeprefix("models:/")
    return Path(urlparse(client.get_logged_model(model_id).artifact_location).path)


def test_remove_orphans__a_sound_registry_is_left_alone(client):
    assert remove_orphans(**PLACE) == Orphans((), ())
    assert numbers(client) == [1, 2]


def test_remove_orphans__a_version_whose_files_are_gone(client, two_versions):
    shutil.rmtree(add_third(client, two_versions[1]))
    assert remove_orphans(**PLACE, dry_run=True).versions == (3,)
    assert numbers(client) == [1, 2, 3]
    assert remove_orphans(**PLACE).versions == (3,)
    assert numbers(client) == [1, 2]


def test_remove_orphans__one_that_has_an_alias_stays(client, two_versions):
    shutil.rmtree(add_third(client, two_versions[1]))
    client.set_registered_model_alias("fuser", "kept-by-hand", "3")
    assert remove_orphans(**PLACE) == Orphans((), ())


def test_remove_orphans__where_no_version_has_files_their_place_is_out_of_reach(
    client, monkeypatch
):
    client.delete_registered_model_alias("fuser", "challenger")
    monkeypatch.setattr(orphans, "_has_files", lambda *_: False)
    assert remove_orphans(**PLACE) == Orphans((), ())
    assert numbers(client) == [1, 2]


def test_remove_orphans__ends_events_that_a_kill_left(client):
    store = Store(client, "ssvif")
    run = client.create_run(store.experiment_id, tags={"ssvif.event": "refusal"})
    remove_orphans(**PLACE, dry_run=True)
    assert client.get_run(run.info.run_id).info.status == "RUNNING"
    remove_orphans(**PLACE)
    assert client.get_run(run.info.run_id).info.status == "KILLED"


def test_remove_orphans__models_that_no_version_holds(client, monkeypatch):
    model = client.create_logged_model(Store(client, "ssvif").experiment_id, name="fuser")
    assert remove_orphans(**PLACE).models == ()  # somebody may be at it
    monkeypatch.setattr(orphans, "_UNFINISHED_MS", -60_000)
    assert remove_orphans(**PLACE).models == (model.model_id,)
    assert remove_orphans(**PLACE).models == ()


def test_remove_old_versions__never_the_newest_the_needed_or_one_with_an_alias(
    client, two_versions, monkeypatch
):
    # Versions 1 and 2 share their files with other tests.
    monkeypatch.setattr(orphans, "_delete_files", lambda *_: None)
    files = add_third(client, two_versions[1])
    client.delete_registered_model_alias("fuser", "challenger")
    second = bundle_hash(two_versions[2])
    assert remove_old_versions("fuser", keep=1, needed={second}) == []
    assert remove_old_versions("fuser", keep=2, needed=set()) == []
    assert remove_old_versions("fuser", keep=1, needed=set(), dry_run=True) == [second]
    assert remove_old_versions("fuser", keep=1, needed=set()) == [second]
    assert numbers(client) == [1, 3]  # the champion, and the newest
    assert remove_orphans(**PLACE) == Orphans((), ())
    client.set_registered_model_alias("fuser", "champion", "1")
    assert remove_old_versions("fuser", keep=1, needed=set()) == []
    assert any(files.iterdir())


def test_remove_old_versions__their_files_go(client, two_versions):
    files = add_third(client, two_versions[1])
    Registry(client, "fuser").add(
        two_versions[2],
        experiment_id=Store(client, "ssvif").experiment_id,
        run_id=None,
        tags={"ssvif.bundle": "of-four"},
    )
    assert remove_old_versions("fuser", keep=1, needed=set()) == ["of-three"]
    assert not any(files.rglob("*.safetensors"))


@pytest.mark.usefixtures("client")
def test_aliased_bundles__by_alias(two_versions):
    expected = {
        "champion": bundle_hash(two_versions[1]),
        "challenger": bundle_hash(two_versions[2]),
    }
    assert aliased_bundles("fuser").items() >= expected.items()
