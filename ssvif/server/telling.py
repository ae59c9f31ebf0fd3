"""The routes that tell of the model, the examples, and the server itself."""

from pathlib import Path
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from ssvif.data.images import SUFFIXES
from ssvif.server.facts import ModelFacts
from ssvif.server.problems import described
from ssvif.server.service import TheService

PAGE = Path(__file__).parent / "page"
PAGE_URL = "/page"

_EXAMPLES = "examples"
_VIS, _IR = "_vis", "_ir"

# What may be asked without the token, and what may not.
open_router = APIRouter(tags=["server"])
router = APIRouter(tags=["server"])


class Example(BaseModel):
    """A pair that comes with the page."""

    name: str
    vis: str = Field(description="Address of the visible image.")
    ir: str = Field(description="Address of the infrared image.")


class Health(BaseModel):
    """That it lives."""

    status: Literal["ok"] = "ok"


@router.get("/v1/model", summary="The served model", responses=described(401, 503))
async def model(service: TheService) -> ModelFacts:
    """Tell what is known of the model that fuses now."""
    return service.keeper.model.facts


@router.get("/v1/examples", summary="Pairs to try", responses=described(401))
async def examples() -> list[Example]:
    """List the pairs that come with the page: `NAME_vis.*` and `NAME_ir.*`."""
    return find_examples(PAGE / _EXAMPLES)


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=PlainTextResponse,
    responses=described(401),
)
async def metrics(service: TheService) -> Response:
    """Show requests, latencies, the queue, refusals, reloads and the model."""
    content = generate_latest(service.metrics.registry)
    return Response(content, headers={"Content-Type": CONTENT_TYPE_LATEST})


@open_router.head("/healthz", include_in_schema=False)
@open_router.get("/healthz", summary="Whether the process lives")
async def healthz() -> Health:
    """Answer."""
    return Health()


@open_router.head("/readyz", include_in_schema=False)
@open_router.get("/readyz", summary="Whether pairs are fused now", responses=described(503))
async def readyz(service: TheService) -> Health:
    """Answer once the model is read, until the server shuts down."""
    service.require_ready()
    return Health()


def find_examples(folder: Path) -> list[Example]:
    """Find the pairs of a folder: `NAME_vis.*` and `NAME_ir.*`."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    named = {path.stem: path.name for path in files if path.suffix in SUFFIXES}
    url = f"{PAGE_URL}/{_EXAMPLES}"
    return [
        Example(name=name, vis=f"{url}/{named[name + _VIS]}", ir=f"{url}/{named[name + _IR]}")
        for name in (stem.removesuffix(_VIS) for stem in named if stem.endswith(_VIS))
        if name + _IR in named
    ]
