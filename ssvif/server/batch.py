"""Many pairs in one request: a ZIP of images and of what became of each pair.

Pairs are made by name: the stems of the files' names, in any letter case, as `ssvif fuse` pairs
folders; never by position. A sender chooses the names, whatever its files are called.
"""

import asyncio
import io
import json
import logging
import zipfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Literal

from pydantic import BaseModel, Field

from ssvif.data.images import ImageBytes
from ssvif.data.infrared_range import common_range, is_deep
from ssvif.params import PERCENTILES
from ssvif.server.jobs import Made, fuse_pair
from ssvif.server.problems import RefusedError
from ssvif.server.served import ServedModel
from ssvif.server.service import Service
from ssvif.server.upload import Images
from ssvif.server.wishes import FuseWish

logger = logging.getLogger(__name__)

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
    service: Service, model: ServedModel, images: Images, wish: FuseWish
) -> tuple[bytes, BatchResults]:
    """Fuse pairs beside each other; one that fails has its reason, and the rest goes on.

    Returns:
        The ZIP, and what its `results.json` says.
    """
    range_wish, _ = await service.workers.run(partial(_with_range, images["ir"], wish, service))
    paired = _by_stem(images)
    # The others of the queue come in between.
    at_once = asyncio.Semaphore(service.limits.concurrency)

    async def outcome(found: Mapping[str, list[ImageBytes]]) -> Made | RefusedError:
        try:
            vis, ir = _pair(found)
            pixels = service.limits.max_pixels
            work = partial(fuse_pair, model, vis, ir, range_wish, max_pixels=pixels)
            async with at_once:
                return await service.make(work)
        except RefusedError as refusal:
            return refusal
        except Exception:
            logger.exception("a pair of a batch failed")
            return RefusedError(500, "internal", "a fault of the server; its log says more")

    outcomes = await asyncio.gather(*(outcome(found) for found in paired.values()))
    return await asyncio.to_thread(_packed, model, range_wish, list(paired), outcomes)


def _with_range(infrared: Sequence[ImageBytes], wish: FuseWish, service: Service) -> FuseWish:
    """Find one range for all deep infrared images, where none is given and there are several."""
    deep = [image for image in infrared if is_deep(image)]
    if wish.ir_range or len(deep) < 2:
        return wish
    found = common_range(deep, percentiles=PERCENTILES, max_pixels=service.limits.max_pixels)
    if found is None:
        return wish
    return wish.model_copy(update={"ir_black": found[0], "ir_white": found[1]})


def _by_stem(images: Images) -> dict[str, dict[str, list[ImageBytes]]]:
    """Return the files of each name, under the first spelling of it."""
    paired: dict[str, dict[str, list[ImageBytes]]] = {}
    spelling: dict[str, str] = {}
    for field, files in images.items():
        for file in files:
            stem = PurePosixPath(file.name).stem
            name = spelling.setdefault(stem.casefold(), stem)
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


def _packed(
    model: ServedModel,
    wish: FuseWish,
    names: Sequence[str],
    outcomes: Sequence[Made | RefusedError],
) -> tuple[bytes, BatchResults]:
    stream = io.BytesIO()
    pairs = []
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as packed:  # images are packed already
        for name, outcome in zip(names, outcomes, strict=True):
            if isinstance(outcome, RefusedError):
                pairs.append(
                    PairResult(name=name, status="failed", code=outcome.code, reason=str(outcome))
                )
                continue
            file = f"{name}{_SUFFIXES[outcome.media_type]}"
            packed.writestr(file, outcome.content)
            pairs.append(PairResult(name=name, status="fused", file=file))
        fused = sum(pair.status == "fused" for pair in pairs)
        results = BatchResults(
            weights=model.facts.weights,
            ir_range=wish.ir_range,
            fused=fused,
            failed=len(pairs) - fused,
            pairs=pairs,
        )
        packed.writestr(RESULTS, json.dumps(results.model_dump(), indent=2) + "\n")
    return stream.getvalue(), results
