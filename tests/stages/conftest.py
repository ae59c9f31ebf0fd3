import pytest

from ssvif.tracking.store import URI_VARIABLE


@pytest.fixture(autouse=True)
def _tracking_store(fresh_database, monkeypatch):
    """A store that is there already, so that no stage spends seconds on making one."""
    monkeypatch.setenv(URI_VARIABLE, f"sqlite:///{fresh_database}")
