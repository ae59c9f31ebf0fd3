"""The outermost layer: counts and times every request, adds headers, and hides faults."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ssvif.server.metrics import Metrics
from ssvif.server.problems import fault
from ssvif.server.telling import PAGE_URL

# The page asks nobody but this server, and nobody else may frame it.
_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER = "other"


class Outside:
    """ASGI middleware.

    Args:
        app: What is within.
        metrics: Told of every request.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _with_headers(message.get("headers", []), scope["path"])
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            refusal = fault(error, f"{scope['method']} {_route(scope)}")
            if status:
                raise  # a response has begun: the connection is all that can be ended
            self._metrics.refused(refusal.code)
            await refusal.response(scope, receive, send_with_headers)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else _OTHER
            self._metrics.answered(
                route=_route(scope),
                method=method,
                status=status,
                seconds=time.perf_counter() - began,
            )


def _with_headers(given: list[tuple[bytes, bytes]], path: str) -> list[tuple[bytes, bytes]]:
    known = {name.lower() for name, _ in given}
    # The page's parts are asked for anew each time, so that two versions never mix.
    added = _HEADERS | {"cache-control": "no-cache" if path.startswith(PAGE_URL) else "no-store"}
    more = ((name.encode(), value.encode()) for name, value in added.items())
    return [*given, *(header for header in more if header[0] not in known)]


def _route(scope: Scope) -> str:
    """Return the route's pattern: few values, whatever addresses are tried."""
    route = getattr(scope.get("route"), "path", None)
    if isinstance(route, str) and route:
        return route
    return PAGE_URL if scope["path"].startswith(f"{PAGE_URL}/") else _OTHER
