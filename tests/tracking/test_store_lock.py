import pytest
from filelock import Timeout

from ssvif.tracking import store
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
