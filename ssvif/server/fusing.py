"""The routes that take images: /v1/fuse, /v1/segment, /v1/fuse/batch."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from ssvif.server import documents
from ssvif.server.batch import fuse_batch
from ssvif.server.jobs import Made, fuse_pair, segment_pair
from ssvif.server.problems import described
from ssvif.server.served import ServedModel
from ssvif.server.service import Service, TheService
from ssvif.server.wishes import FuseWish, SegmentWish

PARTS = ("decode", "queue", "fuse", "segment", "encode")
_CHUNK = 1 << 16  # bytes of an archive that are sent at once
_REFUSALS = (400, 401, 408, 413, 415, 422, 429, 500, 503)

router = APIRouter(prefix="/v1", tags=["fusing"])


@router.post(
    "/fuse",
    summary="Fuse a registered pair",
    response_class=Response,
    responses={
        **documents.images(
            *documents.IMAGE_TYPES, words="The fused image.", Server_Timing=documents.TIMING
        ),
        **described(*_REFUSALS),
    },
    openapi_extra=documents.files(many=False),
)
async def fuse(
    request: Request, service: TheService, wish: Annotated[FuseWish, Query()]
) -> Response:
    """Fuse a visible and an infrared image of one size, registered, into one image."""
    return await _one(request, service, partial(fuse_pair, wish=wish))


@router.post(
    "/segment",
    summary="Segment a registered pair",
    response_class=Response,
    responses={
        **documents.images(
            "image/png",
            words="An indexed PNG: the pixels are prototype numbers, the palette is for people.",
            Server_Timing=documents.TIMING,
            X_SSVIF_Prototypes="How many prototypes there are.",
        ),
        **described(*_REFUSALS, 501),
    },
    openapi_extra=documents.files(many=False),
)
async def segment(
    request: Request, service: TheService, wish: Annotated[SegmentWish, Query()]
) -> Response:
    """Fuse a pair and segment the fused image; classes are numbers without names."""
    service.require_ready()
    service.keeper.model.require_segments()
    # PyTorch takes all cores for one.
    return await _one(request, service, partial(segment_pair, wish=wish), alone=True)


@router.post(
    "/fuse/batch",
    summary="Fuse many pairs",
    response_class=Response,
    responses={
        **documents.images(
            "application/zip",
            words="A ZIP of the images and of `results.json`: what became of each pair.",
        ),
        **described(*_REFUSALS),
    },
    openapi_extra=documents.files(many=True),
)
async def batch(
    request: Request, service: TheService, wish: Annotated[FuseWish, Query()]
) -> Response:
    """Fuse pairs, which files of one name make; one that fails is told of in `results.json`.

    Infrared of more than 8 bits has one range for the whole batch: the one given, or else
    percentiles over all such images, of which there must be two or more.
    """
    async with service.take(request, most=service.limits.max_pairs) as images:
        model = service.keeper.model
        archive = await fuse_batch(request, service, model, images, wish)
    headers = {
        "X-SSVIF-Model": model.facts.weights,
        "Content-Disposition": 'attachment; filename="fused.zip"',
        "Content-Length": str(archive.tell()),
    }
    return StreamingResponse(_chunks(archive), media_type="application/zip", headers=headers)


def _chunks(archive: IO[bytes]) -> Iterator[bytes]:
    with archive:
        archive.seek(0)
        while chunk := archive.read(_CHUNK):
            yield chunk


async def _one(
    request: Request, service: Service, job: Callable[..., Made], *, alone: bool = False
) -> Response:
    """Answer a request of one pair by what a job makes of its images."""
    async with service.take(request, most=1) as images:
        (vis,), (ir,) = images["vis"], images["ir"]
        model = service.keeper.model
        work = partial(job, model, vis, ir, max_pixels=service.limits.max_pixels)
        return _response(model, await service.make(work, request, alone=alone))


def _response(model: ServedModel, made: Made) -> Response:
    timing = ", ".join(
        f"{part};dur={1000.0 * made.seconds[part]:.1f}" for part in PARTS if part in made.seconds
    )
    headers = {"X-SSVIF-Model": model.facts.weights, "Server-Timing": timing}
    if made.prototypes is not None:
        headers["X-SSVIF-Prototypes"] = str(made.prototypes)
    return Response(made.content, media_type=made.media_type, headers=headers)
