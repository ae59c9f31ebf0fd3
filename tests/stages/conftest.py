import shutil

import pytest

from ssvif.tracking.store import URI_VARIABLE


@pytest.fixture(autouse=True)
def _tracking_store(tmp_path_factory, fresh_database, monkeypatch):
    """A store that is there already, so that no stage spends seconds on making one."""
    store = tmp_path_factory.mktemp("store") / "mlflow.db"
    shutil.copyfile(fresh_database, store)
    monkeypatch.setenv(URI_VARIABLE, f"sqlite:///{store}")
