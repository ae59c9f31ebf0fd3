import shutil
from pathlib import Path
from urllib.parse import urlparse

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST

from ssvif.errors import RegistryError
from ssvif.registry import orphans
from ssvif.registry.bundle import bundle_hash
from ssvif.registry.orphans import Orphans, aliased_bundles, remove_old_versions, remove_orphans
from ssvif.registry.resolve import find_place
from ssvif.registry.versions import Registry
from ssvif.tracking.store import Store

PLACE = {"name": "fuser", "experiment": "ssvif"}


@pytest.fixture
def client(two_versions):  # noqa: ARG001 - the store that it opens is made by it
    """The registry of two versions: 1 is champion, 2 challenger; no others have files."""
    return MlflowClient()


def numbers(client):
    return sorted(int(version.version) for version in Registry(client, "fuser").versions())


def add(client, bundle, digest):
    """Register a further version, whose files are its own."""
    place = {"experiment_id": Store(client, "ssvif").experiment_id, "run_id": None}
    Registry(client, "fuser").add(bundle, **place, tags={"ssvif.bundle": digest})


def add_third(client, bundle):
    """Register version 3, and return where its files lie."""
    add(client, bundle, "of-three")
    model_id = Registry(client, "fuser").version(3).source.removeprefix("models:/")
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
    monkeypatch.setattr(orphans, "find_place", lambda *_: None)
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
    add(client, two_versions[2], "of-four")
    assert remove_old_versions("fuser", keep=1, needed=set()) == ["of-three"]
    assert not any(files.rglob("*.safetensors"))


def test_remove_old_versions__also_where_the_logged_model_was_deleted_by_hand(client, two_versions):
    files = add_third(client, two_versions[1])
    add(client, two_versions[2], "of-four")
    client.delete_logged_model(Registry(client, "fuser").version(3).source.removeprefix("models:/"))
    assert remove_orphans(**PLACE) == Orphans((), ())
    assert remove_old_versions("fuser", keep=1, needed=set()) == ["of-three"]
    assert not any(files.rglob("*.safetensors"))


def test_remove_orphans__what_somebody_removed_meanwhile_stops_nothing(
    client, two_versions, monkeypatch
):
    def gone(*_):
        raise MlflowException("not found", RESOURCE_DOES_NOT_EXIST)

    shutil.rmtree(add_third(client, two_versions[1]))
    monkeypatch.setattr(MlflowClient, "delete_logged_model", gone)
    assert remove_orphans(**PLACE).versions == (3,)
    place = MlflowClient.get_model_version_download_uri
    monkeypatch.setattr(
        MlflowClient,
        "get_model_version_download_uri",
        lambda self, name, number: gone() if number == "2" else place(self, name, number),
    )
    client.delete_registered_model_alias("fuser", "challenger")
    assert remove_orphans(**PLACE).versions == (2,)


def test_remove_orphans__a_store_that_does_not_answer_has_said_nothing(client, monkeypatch):
    def silent(*_):
        raise MlflowException("no answer")

    monkeypatch.setattr(MlflowClient, "get_model_version_download_uri", silent)
    with pytest.raises(RegistryError, match="no answer"):
        remove_orphans(**PLACE)
    assert numbers(client) == [1, 2]


def test_remove_old_versions__files_that_a_copy_shares_stay(client, two_versions):
    add(client, two_versions[2], "of-three")
    copy = client.copy_model_version("models:/fuser/1", "fuser")
    add(client, two_versions[2], "of-five")
    client.delete_registered_model_alias("fuser", "challenger")
    needed = {bundle_hash(two_versions[2]), "of-three"}
    client.set_registered_model_alias("fuser", "champion", "1")
    client.delete_model_version_tag("fuser", copy.version, "ssvif.bundle")
    remove_old_versions("fuser", keep=1, needed=needed)
    assert numbers(client) == [1, 2, 3, 5]
    assert find_place(client, "fuser", 1)


@pytest.mark.usefixtures("client")
def test_aliased_bundles__by_alias(two_versions):
    expected = {
        "champion": bundle_hash(two_versions[1]),
        "challenger": bundle_hash(two_versions[2]),
    }
    assert aliased_bundles("fuser").items() >= expected.items()
