from contextlib import nullcontext

import pytest


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
