import shutil

import pytest

from ssvif.errors import ModelError, RegistryError
from ssvif.registry.bundle import bundle_hash
from ssvif.registry.resolve import fetch_bundle, fetch_parts, look_up, resolve_model
from ssvif.tracking.store import URI_VARIABLE, open_client


@pytest.mark.parametrize("address", ["models:/fuser@champion", "models:/fuser/1"])
def test_resolve_model__gives_the_bundle(register, make_bundle, tracked_project, address):
    digest = make_bundle()
    register("models/bundle")
    assert bundle_hash(resolve_model(address, tracked_project / "cache")) == digest


def test_resolve_model__a_bundle_that_is_here_is_not_fetched_again(
    register, make_bundle, tracked_project, monkeypatch
):
    make_bundle()
    register("models/bundle")
    found = resolve_model("models:/fuser/1", tracked_project / "cache")
    monkeypatch.delattr("ssvif.registry.resolve.download_bundle")
    assert resolve_model("models:/fuser@champion", tracked_project / "cache") == found


@pytest.mark.parametrize("address", ["models:/fuser@champion", "models:/fuser/1"])
def test_resolve_model__another_registry_has_another_version_one(
    register, make_bundle, tracked_project, fresh_store, address
):
    make_bundle("one", folder="one")
    second = make_bundle("two", folder="two")
    register("one")
    resolve_model(address, tracked_project / "cache")
    fresh_store()
    shutil.rmtree(tracked_project / "models/champion")
    register("two")
    assert bundle_hash(resolve_model(address, tracked_project / "cache")) == second


def test_resolve_model__half_a_bundle_is_fetched_again(register, make_bundle, tracked_project):
    digest = make_bundle()
    register("models/bundle")
    found = resolve_model("models:/fuser/1", tracked_project / "cache")
    (found / "weights.safetensors").write_bytes(b"damaged")
    assert bundle_hash(resolve_model("models:/fuser/1", tracked_project / "cache")) == digest


@pytest.mark.parametrize(
    "fetch",
    [
        lambda folder: resolve_model("models:/fuser/1", folder),
        lambda folder: fetch_parts("fuser", 1, "0" * 64, folder),
    ],
    ids=["whole", "parts"],
)
def test_resolve_model__a_version_whose_files_are_gone(
    register, make_bundle, tracked_project, lose_files, fetch
):
    make_bundle()
    register("models/bundle")
    lose_files(1)
    told = "fuser version 1: its files are gone from the registry; `ssvif reap` removes"
    with pytest.raises(ModelError, match=told):
        fetch(tracked_project / "cache")


@pytest.mark.usefixtures("tracked_project")
def test_resolve_model__version_of_another_make(tmp_path):
    client = open_client()
    client.create_registered_model("other")
    client.create_model_version("other", source="file:///x")
    with pytest.raises(RegistryError, match="no tag ssvif"):
        resolve_model("models:/other/1", tmp_path / "cache")


@pytest.mark.parametrize("address", ["fuser", "models:/fuser", "models:/fuser/new", "runs:/x/y"])
def test_resolve_model__address_that_is_not_understood(tmp_path, address):
    with pytest.raises(RegistryError, match="expected models:/NAME@ALIAS"):
        resolve_model(address, tmp_path)


@pytest.mark.usefixtures("tracked_project")
@pytest.mark.parametrize("address", ["models:/nobody@champion", "models:/nobody/3"])
def test_resolve_model__unknown_model(tmp_path, address):
    with pytest.raises(RegistryError, match="nobody") as refusal:
        resolve_model(address, tmp_path / "cache")
    assert not refusal.value.transient
    assert not (tmp_path / "cache").exists()


def test_look_up__names_the_aliases_that_there_are(register, make_bundle):
    make_bundle()
    register("models/bundle")
    told = "^fuser has no alias nobody; it has challenger, champion$"
    with pytest.raises(RegistryError, match=told):
        look_up("models:/fuser@nobody")
    with pytest.raises(RegistryError, match=r"^fuser has no version 7; "):
        look_up("models:/fuser/7")


def test_look_up__makes_no_registry_where_there_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(URI_VARIABLE, "sqlite:///mlflow.db")
    with pytest.raises(RegistryError, match=r"no registry here .*run this in the project's folder"):
        look_up("models:/fuser@champion")
    assert list(tmp_path.iterdir()) == []


def test_look_up__follows_the_alias(register, make_bundle, tracked_project):
    first, second = make_bundle("one", folder="one"), make_bundle("two", folder="two")
    register("one")
    found = look_up("models:/fuser@champion")
    assert (found.name, found.version, found.digest) == ("fuser", 1, first)
    register("two", first_leads=False)
    open_client().set_registered_model_alias("fuser", "champion", "2")
    moved = look_up("models:/fuser@champion")
    assert (moved.version, moved.digest) == (2, second)
    assert bundle_hash(fetch_bundle(moved, tracked_project / "cache")) == second
