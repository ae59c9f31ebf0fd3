import socket

import pytest

from ssvif.errors import ServerError
from ssvif.server.run import Options, _listen, _require_token


def test_listen__a_response_does_not_wait_for_an_acknowledgement():
    # asyncio switches Nagle's algorithm off only for what says that it is TCP.
    with _listen(Options(port=0)) as listening:
        assert listening.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "::1"])
def test_require_token__not_on_this_machine_alone(host):
    _require_token(Options(host=host))


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org", "", "::"])
def test_require_token__where_others_can_come(host):
    with pytest.raises(ServerError, match="there is no token"):
        _require_token(Options(host=host))
    _require_token(Options(host=host, token="x" * 20))
    _require_token(Options(host=host, open_to_all=True))
