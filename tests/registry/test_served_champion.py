"""`ssvif serve` with a model of the registry."""

import pytest

from ssvif.files import sha256_file
from ssvif.tracking.store import open_client
from tests.server.processes import serving


@pytest.mark.slow
def test_serve__the_registrys_champion_when_the_alias_moves(two_versions, tracked_project):
    address = "models:/fuser@champion"
    with serving(tracked_project, "--model", address, "--poll", "0.1") as server:
        facts = server.client.get("/v1/model").json()
        assert (facts["name"], facts["version"]) == ("fuser@champion", "1")
        assert facts["weights"] == sha256_file(two_versions[1] / "weights.safetensors")
        open_client().set_registered_model_alias("fuser", "champion", "2")
        server.until(lambda: server.client.get("/v1/model").json()["version"] == "2")
