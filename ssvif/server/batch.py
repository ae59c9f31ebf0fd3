"""Many pairs in one request: a ZIP of images and of what became of each pair.

Pairs are made by name: the stems of the files' names, in any letter case, as `ssvif fuse` pairs
folders; never by position. A sender chooses the names, whatever its files are called.
"""

import asyncio
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import PurePosixPath
from typing import IO, Literal

from pydantic import BaseModel, Field
from starlette.requests import Request

from ssvif.data.images import ImageBytes
from ssvif.data.infrared_range import RawValues, is_deep, raw_values
from ssvif.fuse.pairing import name_key
from ssvif.params import PERCENTILES
from ssvif.server.jobs import fuse_pair
from ssvif.server.problems import RefusedError, fault
from ssvif.server.served import ServedModel
from ssvif.server.service import Service
from ssvif.server.upload import Images
from ssvif.server.wishes import FuseWish

RESULTS = "results.json"
_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}


class PairResult(BaseModel):
    """What became of a pair."""

    name: str = Field(description="The stem of its files' names.")
    status: Literal["fused", "failed"]
    file: str | None = Field(default=None, description="The image in the ZIP.")
    code: str | None = Field(default=None, description="Why not, for programs.")
    reason: str | None = Field(default=None, description="Why not, for people.")


class BatchResults(BaseModel):
    """`results.json` of a batch."""

    weights: str = Field(description="SHA-256 of the weights that fused.")
    ir_range: tuple[float, float] | None = Field(
        description="Raw infrared values of black and white, for more than 8 bits."
    )
    fused: int
    failed: int
    pairs: list[PairResult]


async def fuse_batch(
    request: Request, service: Service, model: ServedModel, images: Images, wish: FuseWish
) -> IO[bytes]:
    """Fuse pairs beside each other; one that fails has its reason, and the rest goes on.

    Returns:
        The ZIP, at its end, on disk until it is closed.
    """
    wish = await _with_range(service, request, images["ir"], wish)
    with ExitStack() as unless_done:
        archive = unless_done.enter_context(tempfile.TemporaryFile())
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:  # images are packed
            batch = _Batch(request, service, model, wish, packed)
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(batch.result(name, found))
                    for name, found in _by_stem(images).items()
                ]
            packed.writestr(RESULTS, batch.summary([task.result() for task in tasks]))
        unless_done.pop_all()
    return archive


class _Batch:
    """Fuses pairs into an archive.

    Args:
        request: Who asks.
        service: What fuses.
        model: With which model.
        wish: How.
        packed: Where to.
    """

    def __init__(
        self,
        request: Request,
        service: Service,
        model: ServedModel,
        wish: FuseWish,
        packed: zipfile.ZipFile,
    ) -> None:
        self._request, self._service, self._packed = request, service, packed
        self._weights, self._ir_range = model.facts.weights, wish.ir_range
        pixels = service.limits.max_pixels
        self._fuse = partial(fuse_pair, model, wish=wish, max_pixels=pixels)
        # No more images are in memory than are fused at once, and one pair waits in the queue: the
        # requests of others come in between.
        self._at_once = asyncio.Semaphore(service.limits.concurrency)
        self._line, self._writing = asyncio.Lock(), asyncio.Lock()

    async def result(self, name: str, found: Mapping[str, list[ImageBytes]]) -> PairResult:
        """Fuse the files of a name, and say what became of them."""
        async with self._at_once:
            try:
                vis, ir = _pair(found)
                work = partial(self._fuse, vis, ir)
                made = await self._service.make(work, self._request, line=self._line)
            except Exception as error:
                refusal = (
                    error
                    if isinstance(error, RefusedError)
                    else fault(error, f"a pair of a batch, {name}")
                )
                self._service.metrics.refused(refusal.code)
                return PairResult(
                    name=name, status="failed", code=refusal.code, reason=str(refusal)
                )
            file = f"{name}{_SUFFIXES[made.media_type]}"
            async with self._writing:
                await asyncio.to_thread(self._packed.writestr, file, made.content)
            return PairResult(name=name, status="fused", file=file)

    def summary(self, pairs: list[PairResult]) -> str:
        """Return `results.json`."""
        fused = sum(pair.status == "fused" for pair in pairs)
        results = BatchResults(
            weights=self._weights,
            ir_range=self._ir_range,
            fused=fused,
            failed=len(pairs) - fused,
            pairs=pairs,
        )
        return results.model_dump_json(indent=2) + "\n"


async def _with_range(
    service: Service, request: Request, infrared: Sequence[ImageBytes], wish: FuseWish
) -> FuseWish:
    """Find one range for all deep infrared images, where none is given and there are several."""
    deep = await asyncio.to_thread(lambda: [image for image in infrared if is_deep(image)])
    if wish.ir_range or len(deep) < 2:
        return wish
    values = RawValues()
    for image in deep:  # others take their turns in between
        work = partial(raw_values, [image], max_pixels=service.limits.max_pixels)
        found, _ = await service.workers.run(work, is_gone=request.is_disconnected)
        values.join([found])
    span = values.range(PERCENTILES)
    return wish.model_copy(update={"ir_black": span[0], "ir_white": span[1]}) if span else wish


def _by_stem(images: Images) -> dict[str, dict[str, list[ImageBytes]]]:
    """Return the files of each name, under the first spelling of it."""
    paired: dict[str, dict[str, list[ImageBytes]]] = {}
    spelling: dict[str, str] = {}
    for field, files in images.items():
        for file in files:
            stem = PurePosixPath(file.name).stem
            name = spelling.setdefault(name_key(stem), stem)
            paired.setdefault(name, {}).setdefault(field, []).append(file)
    return paired


def _pair(found: Mapping[str, list[ImageBytes]]) -> tuple[ImageBytes, ImageBytes]:
    for field, other in (("vis", "ir"), ("ir", "vis")):
        files = found.get(field, [])
        if not files:
            name = found[other][0].name
            raise RefusedError(
                422, "no_partner", f"{name}: no {field} file of the same name; name both alike"
            )
        if len(files) > 1:
            names = ", ".join(file.name for file in files)
            raise RefusedError(422, "same_name", f"{names} claim one name; name them apart")
    return found["vis"][0], found["ir"][0]
