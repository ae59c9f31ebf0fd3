"""What the other tests of this folder stand on."""

import pytest

from tests.services import servers

pytestmark = pytest.mark.services


def test_missing__names_what_is_not_there_and_how_to_get_it(monkeypatch):
    monkeypatch.setattr(servers, "postgres_programs", lambda: None)
    monkeypatch.setattr(servers, "find_spec", lambda _: None)
    postgres, packages = servers.missing()
    assert "apt-get install postgresql" in postgres
    assert "moto[server]" in packages
    assert "services-test" in packages


def test_service__that_ends_at_once_says_why():
    with pytest.raises(RuntimeError, match="no such port"):
        servers.Service(["sh", "-c", "echo no such port; exit 1"], ready=lambda: False)
