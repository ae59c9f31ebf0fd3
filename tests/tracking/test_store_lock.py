import tempfile

import pytest
from filelock import Timeout

from ssvif.errors import RegistryError, TrackingError
from ssvif.registry.resolve import registry_errors
from ssvif.tracking import store
from ssvif.tracking.errors import tracking_errors
from ssvif.tracking.store import URI_VARIABLE, store_lock


def test_store_lock__one_database_has_one_lock_by_whatever_path(tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "project")
    monkeypatch.setattr(store, "_LOCK_SECONDS", 0)
    monkeypatch.setenv(URI_VARIABLE, f"sqlite:///{tmp_path}/project/mlflow.db")
    with store_lock("registry"):
        monkeypatch.setenv(URI_VARIABLE, f"sqlite:///{tmp_path}/link/mlflow.db")
        with pytest.raises(Timeout), store_lock("registry"):
            pass


@pytest.mark.parametrize(
    ("errors", "kind"), [(tracking_errors, TrackingError), (registry_errors, RegistryError)]
)
def test_store_lock__held_too_long_blames_no_server(tmp_path, monkeypatch, errors, kind):
    monkeypatch.setattr(store, "_LOCK_SECONDS", 0)
    monkeypatch.setenv(URI_VARIABLE, f"sqlite:///{tmp_path}/mlflow.db")
    with (
        store_lock("registry"),
        pytest.raises(kind, match=r"another process .* wait for it") as refusal,
        errors(),
        store_lock("registry"),
    ):
        pass
    assert refusal.value.transient


def test_store_lock__one_database_has_one_lock_whatever_the_temporary_folder(tmp_path, monkeypatch):
    for folder in ("project", "mine", "theirs"):
        (tmp_path / folder).mkdir()
    monkeypatch.setattr(store, "_LOCK_SECONDS", 0)
    monkeypatch.setenv(URI_VARIABLE, f"sqlite:///{tmp_path}/project/mlflow.db")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "mine"))
    with store_lock("registry"):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "theirs"))
        with pytest.raises(Timeout), store_lock("registry"):
            pass
    assert not any((tmp_path / "mine").iterdir())
