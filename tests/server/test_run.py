import socket

import pytest

from ssvif.errors import ServerError
from ssvif.server.run import Options, _listen, _require_token


def test_listen__a_response_does_not_wait_for_an_acknowledgement():
    # asyncio switches Nagle's algorithm off only for what says that it is TCP.
    with _listen(Options(port=0)) as listening:
        assert listening.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1"])
def test_require_token__not_on_this_machine_alone(address):
    _require_token(Options(), address)


@pytest.mark.parametrize("address", ["192.0.2.1", "0.0.0.0", "::", "fe80::1%eth0"])  # noqa: S104
def test_require_token__where_others_can_come(address):
    with pytest.raises(ServerError, match="there is no token"):
        _require_token(Options(), address)
    _require_token(Options(token="x" * 20), address)
    _require_token(Options(open_to_all=True), address)


def test_listen__an_address_is_judged_and_not_its_name(monkeypatch):
    found = socket.getaddrinfo("0.0.0.0", 0, type=socket.SOCK_STREAM)  # noqa: S104
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)
    with pytest.raises(ServerError, match=r"127\.example\.org: other machines can reach it"):
        _listen(Options(host="127.example.org"))


def test_listen__at_this_machines_name():
    _listen(Options(host="localhost", port=0)).close()
