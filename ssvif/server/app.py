"""The web application: routes, and how what they refuse is answered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from ssvif import __version__
from ssvif.server import documents, fusing, telling
from ssvif.server.guard import TokenGuard
from ssvif.server.outside import Outside
from ssvif.server.problems import RefusedError
from ssvif.server.service import Service, service_of

_CODES = {404: "not_found", 405: "method"}
_DETAILS = {404: "nothing at this address; /openapi.json lists the routes"}


def build_app(service: Service, *, token: str | None = None) -> FastAPI:
    """Build the application.

    Args:
        service: The model, the threads and the figures.
        token: Who sends it may use /v1 and /metrics; None lets everybody.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = FastAPI(
        title="SSVIF",
        version=__version__,
        description="Fuses registered pairs of visible and infrared images.",
        lifespan=lifespan,
        docs_url=None,  # Swagger's page comes from elsewhere
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    app.state.service = service
    guarded = APIRouter(dependencies=[Depends(TokenGuard(token))] if token else [])
    guarded.include_router(fusing.router)
    guarded.include_router(telling.router)
    app.include_router(guarded)
    app.include_router(telling.open_router)
    app.add_api_route("/", _index, methods=["GET", "HEAD"], include_in_schema=False)
    app.mount(telling.PAGE_URL, StaticFiles(directory=telling.PAGE), name="page")
    app.exception_handler(RefusedError)(_refused)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_other)
    app.add_middleware(Outside, metrics=service.metrics)
    documents.describe(app)
    return app


async def _index() -> FileResponse:
    return FileResponse(telling.PAGE / "index.html")


async def _refused(request: Request, error: RefusedError) -> Response:
    service_of(request).metrics.refused(error.code)
    return error.response


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    details = (_told(dict(problem)) for problem in error.errors())
    return await _refused(request, RefusedError(422, "query", "; ".join(details)))


def _told(problem: dict[str, object]) -> str:
    """Return in words what is wrong with a parameter."""
    location = problem["loc"]
    name = ".".join(str(part) for part in location[1:]) if isinstance(location, tuple) else ""
    words = str(problem["msg"]).removeprefix("Value error, ")
    if not name:
        return words
    return f"{name}: {words[:1].lower()}{words[1:]}, found {str(problem.get('input'))[:100]!r}"


async def _other(request: Request, error: HTTPException) -> Response:
    """Answer what Starlette refuses: addresses, methods, broken requests."""
    detail = _DETAILS.get(error.status_code, str(error.detail))
    if error.status_code == 405:
        detail = f"{request.method} is not for this address; `Allow` lists what is"
    code = _CODES.get(error.status_code, "http")
    return await _refused(
        request, RefusedError(error.status_code, code, detail, headers=error.headers)
    )
