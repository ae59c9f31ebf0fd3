"""Who may come in: a token where one is asked for."""

import hashlib
import hmac
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ssvif.server.problems import RefusedError

_bearer = HTTPBearer(auto_error=False, description="The server's token, where it asks for one.")
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


class TokenGuard:
    """Lets in who knows the token; called by FastAPI before a body is read.

    Args:
        token: The token; only its hash is kept.
    """

    def __init__(self, token: str) -> None:
        self._digest = _digest(token)

    async def __call__(self, credentials: _Credentials) -> None:
        """Check a request.

        Raises:
            RefusedError: With 401.
        """
        came = credentials.credentials if credentials else ""
        # Hashes are of one length, whatever came: neither it nor the token shows in the time.
        if not hmac.compare_digest(_digest(came), self._digest):
            raise RefusedError(
                401,
                "token",
                "the token is missing or wrong; send `Authorization: Bearer TOKEN`",
                headers={"WWW-Authenticate": "Bearer", "Connection": "close"},
            )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
