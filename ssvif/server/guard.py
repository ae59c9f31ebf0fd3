"""Who may come in: a token where one is asked for."""

import hashlib
import hmac
from typing import Annotated

from fastapi import Depends, Request
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

    async def __call__(self, request: Request, credentials: _Credentials) -> None:
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
                headers={"WWW-Authenticate": "Bearer", **_ending(request)},
            )


def _ending(request: Request) -> dict[str, str]:
    """End a connection whose sender may go on for ever.

    Who said how much there is may send it: many clients look for an answer only then, and a
    connection that ends before that is all they see.
    """
    return {"Connection": "close"} if "transfer-encoding" in request.headers else {}


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
