import sqlite3

import pytest

from ssvif.registry.bundle import BUNDLE_TAG
from ssvif.registry.glance import REGISTRY_VARIABLE, Glance, glance
from ssvif.registry.versions import LED_TAG, Registry
from ssvif.tracking.store import URI_VARIABLE, open_client


@pytest.mark.usefixtures("tracked_project")
def test_glance__sees_what_mlflow_sees():
    client = open_client()
    client.create_registered_model("fuser")
    for digest in ("one", "two", "gone", "two"):
        client.create_model_version("fuser", source="file:///x", tags={BUNDLE_TAG: digest})
    client.delete_model_version("fuser", "3")
    Registry(client, "fuser").lead(1)
    seen = glance("fuser", bundle_tag=BUNDLE_TAG)
    registry = Registry(client, "fuser")
    assert seen == Glance(
        bundles={"one": 1, "two": 2}, aliases=registry.aliases(), tags={LED_TAG: "true"}
    )
    assert {digest: registry.find(digest) for digest in seen.bundles} == seen.bundles
    assert registry.find("gone") is None


@pytest.mark.usefixtures("tracked_project")
def test_glance__unknown_model_has_nothing():
    assert glance("nobody", bundle_tag=BUNDLE_TAG) == Glance(bundles={}, aliases={}, tags={})


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "sqlite:////nowhere/mlflow.db"])
def test_glance__store_that_is_no_local_database(monkeypatch, uri):
    monkeypatch.setenv(URI_VARIABLE, uri)
    assert glance("fuser", bundle_tag=BUNDLE_TAG) is None


def test_glance__database_of_another_form(monkeypatch, tmp_path):
    with sqlite3.connect(tmp_path / "other.db") as database:
        database.execute("CREATE TABLE registered_model_aliases (name, label)")
    monkeypatch.setenv(URI_VARIABLE, f"sqlite:///{tmp_path}/other.db")
    assert glance("fuser", bundle_tag=BUNDLE_TAG) is None


@pytest.mark.usefixtures("tracked_project")
def test_glance__registry_that_is_elsewhere(monkeypatch):
    monkeypatch.setenv(REGISTRY_VARIABLE, "http://127.0.0.1:9")
    assert glance("fuser", bundle_tag=BUNDLE_TAG) is None


@pytest.mark.usefixtures("tracked_project")
@pytest.mark.parametrize("release", ["3.18.0", "3.1.7"])
def test_glance__another_release_of_mlflow_is_asked_itself(monkeypatch, release):
    monkeypatch.setattr("ssvif.registry.glance.version", lambda _name: release)
    assert glance("fuser", bundle_tag=BUNDLE_TAG) is None


def test_glance__other_workspaces_are_not_looked_at(tracked_project):
    with sqlite3.connect(tracked_project / "mlflow.db") as database:
        database.execute(
            "INSERT INTO registered_models (workspace, name) VALUES ('theirs', 'fuser')"
        )
        database.execute(
            "INSERT INTO registered_model_aliases (workspace, alias, version, name) "
            "VALUES ('theirs', 'champion', 1, 'fuser')"
        )
    assert glance("fuser", bundle_tag=BUNDLE_TAG) == Glance(bundles={}, aliases={}, tags={})
