from contextlib import nullcontext

import pytest
from prefect.settings import PREFECT_API_URL


@pytest.fixture(scope="package")
def prefect_server():
    """A Prefect server for these tests alone; its address."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield PREFECT_API_URL.value()


@pytest.fixture
def stand_in(monkeypatch):
    """Let a module of `pipelines` talk to something else than Prefect's client."""

    def replace(module, client):
        def get_client(*, sync_client):
            assert sync_client
            return nullcontext(client)

        monkeypatch.setattr(module, "get_client", get_client)
        return client

    return replace
