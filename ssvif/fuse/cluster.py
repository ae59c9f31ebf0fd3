"""Fuses pairs of files on many machines with Ray Data.

Paths travel, never pixels: each machine reads and writes the files itself, by the same
`ssvif.fuse.files.fuse_each` as one machine alone. So what is done already is passed over, outputs
appear by rename, and a block of pairs whose machine dies is simply given to another one.
"""

import io
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from platform import node
from typing import TYPE_CHECKING, Any

import numpy as np

from ssvif.data.infrared_range import RawValues, raw_values
from ssvif.errors import ImageError, ModelError, ServiceError, SsvifError, StorageError
from ssvif.fuse.files import (
    Fused,
    Outcome,
    Tell,
    fuse_each,
    gathered,
    quiet,
    require_places,
    shared_range,
)
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.joining import connected
from ssvif.fuse.pair import PLAIN, Manner
from ssvif.fuse.pairing import FusePair
from ssvif.fuse.places import PRETRAINED
from ssvif.fuse.recipe import Recipe
from ssvif.params import MAX_PIXELS

if TYPE_CHECKING:
    import pyarrow as pa
    from ray.data import Dataset

    from ssvif.fuse.segmenter import Segmenter

# A block of pairs is what a machine gets, and what is given to another one if it dies.
_BLOCK_PAIRS = 32
_LEAST_BLOCKS = 64
# How often a block is tried again whose process died; a file may be what kills it.
_RETRIES = 4

# Of paths as bytes: any name that a file may have.
_BETWEEN = b"\0"

_Work = Callable[["pa.Table", "_Task"], "pa.Table"]


@dataclass(frozen=True)
class _Task:
    """What travels with a block: how to fuse, and the weights that are to be found there."""

    recipe: Recipe
    weights: str | None
    manner: Manner
    segment: bool


def fuse_on_cluster(
    address: str,
    recipe: Recipe,
    pairs: Sequence[FusePair],
    *,
    manner: Manner = PLAIN,
    tell: Tell = quiet,
) -> Fused:
    """Fuse pairs of files as `ssvif.fuse.files.fuse_files` does, on all machines of a cluster.

    Args:
        address: Of the cluster, as `ssvif.fuse.joining.connected` takes it.
        recipe: What fuses.
        pairs: The files, which all machines see under these paths.
        manner: How.
        tell: See `ssvif.fuse.files.fuse_files`.

    Returns:
        How many were fused, and why others were not. What a machine had written when it died
        counts as done already.

    Raises:
        ModelError: If there is no model, or it cannot be read.
        ServiceError: If there is no such cluster, one of its machines cannot fuse, or the range of
            deep infrared cannot be found.
        StorageError: If a folder for the outputs takes no files, or one cannot be written.
    """
    here = replace(recipe, model=recipe.model.absolute() if recipe.model else None)
    # A model that cannot be read is refused here, once; this machine may have no GPU.
    weights = replace(here, device="cpu").load().weights
    there = replace(manner, segmenter=None)
    task = _Task(here, weights, there, segment=manner.segmenter is not None)
    require_places(pairs, segmented=task.segment)
    with connected(address):
        if manner.ir_range is None:
            task = replace(task, manner=replace(there, ir_range=_find_range(pairs, task)))
        return gathered(pairs, _outcomes(pairs, task), tell=tell)


def _outcomes(pairs: Sequence[FusePair], task: _Task) -> Iterator[tuple[int, Outcome]]:
    missing = set(range(len(pairs)))
    for row in _rows(pairs, _fuse_block, task):
        missing.discard(row["number"])
        refusal = StorageError if row["unwritten"] else ImageError
        yield row["number"], refusal(row["failed"]) if row["failed"] else row["fused"]
    lost = ImageError(
        f"the process that was to fuse it died {_RETRIES + 1} times, by this pair or one of the "
        f"{_BLOCK_PAIRS - 1} beside it; fuse it alone to see why"
    )
    for number in missing:
        yield number, lost


def _find_range(pairs: Sequence[FusePair], task: _Task) -> tuple[float, float] | None:
    looked_at: list[int] = []

    def values() -> Iterator[RawValues]:
        for row in _rows(pairs, _count_block, task):
            looked_at.append(row["pairs"])
            yield _unpacked(row["values"])

    found = RawValues()
    found.join(values())
    if missed := len(pairs) - sum(looked_at):
        raise ServiceError(
            f"{missed} of {len(pairs)} infrared images were not looked at for the range that all "
            "share, as processes died; run it again, or give --ir-range BLACK WHITE",
            transient=True,
        )
    return shared_range(found)


def _fuse_block(block: "pa.Table", task: _Task) -> "pa.Table":
    """Fuse a block of pairs on the machine that got it."""
    import pyarrow as pa

    pairs = [_unpacked_pair(paths) for paths in block["paths"].to_pylist()]
    outcomes: list[Outcome]
    try:
        fuser, segmenter = _loaded(task.recipe, task.weights, task.segment)
        outcomes = list(fuse_each(fuser, pairs, manner=replace(task.manner, segmenter=segmenter)))
    except SsvifError as error:
        outcomes = [ModelError(f"on {node()}: {error}")] * len(pairs)
    failed = [str(outcome) if isinstance(outcome, SsvifError) else None for outcome in outcomes]
    return pa.table(
        {
            "number": block["number"],
            "fused": [outcome is True for outcome in outcomes],
            "failed": pa.array(failed, pa.string()),
            "unwritten": [isinstance(outcome, StorageError) for outcome in outcomes],
        }
    )


def _count_block(block: "pa.Table", _: _Task) -> "pa.Table":
    """Count the raw values of a block's deep infrared images."""
    import pyarrow as pa

    infrared = [_unpacked_pair(paths).ir for paths in block["paths"].to_pylist()]
    values = raw_values(infrared, max_pixels=MAX_PIXELS)
    return pa.table({"values": [_packed(values)], "pairs": [len(infrared)]})


@lru_cache(maxsize=1)
def _loaded(recipe: Recipe, weights: str | None, segment: bool) -> tuple[Fuser, "Segmenter | None"]:
    """Load what fuses once in each process."""
    fuser = recipe.load().for_many()
    if fuser.weights != weights:
        raise ModelError(
            f"{recipe.model or PRETRAINED}: not the weights that the call began with; keep the "
            "model's folder as it is while it is used, the same on all machines"
        )
    if not segment:
        return fuser, None
    # Imports torch and timm, which fusing alone does without.
    from ssvif.fuse.segmenter import Segmenter

    return fuser, Segmenter.load(recipe.model or PRETRAINED)


def _rows(pairs: Sequence[FusePair], work: _Work, task: _Task) -> Iterator[dict[str, Any]]:
    """Do work on all pairs, block by block; yield the rows that come back, in any order."""
    with warnings.catch_warnings():
        # Ray Data's own is to try for ever, and there is no named parameter for less.
        warnings.filterwarnings("ignore", "`ray_remote_args` is deprecated")
        done = _dataset(pairs).map_batches(
            work,
            fn_args=(task,),
            batch_format="pyarrow",
            batch_size=None,
            num_cpus=1,
            num_gpus=None if task.recipe.device == "cpu" else 1,
            max_calls=0,  # or a process with a GPU would end with each block, and its model with it
            max_retries=_RETRIES,
        )
    for block in done.iter_batches(batch_format="pyarrow", batch_size=None):
        yield from block.to_pylist()


def _dataset(pairs: Sequence[FusePair]) -> "Dataset":
    import pyarrow as pa
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.max_errored_blocks = -1  # a block that fails for good is missed by `_outcomes`
    size = min(_BLOCK_PAIRS, -(-len(pairs) // _LEAST_BLOCKS))
    blocks = [
        pa.table(
            {
                "number": range(begin, min(begin + size, len(pairs))),
                "paths": [_packed_pair(pair) for pair in pairs[begin : begin + size]],
            }
        )
        for begin in range(0, len(pairs), size)
    ]
    return ray.data.from_arrow(blocks)


def _packed_pair(pair: FusePair) -> bytes:
    paths = (pair.vis, pair.ir, pair.out, *pair.spare)
    return _BETWEEN.join(os.fsencode(path.absolute()) for path in paths)


def _unpacked_pair(paths: bytes) -> FusePair:
    vis, ir, out, *spare = (Path(os.fsdecode(path)) for path in paths.split(_BETWEEN))
    return FusePair(vis, ir, out, tuple(spare))


def _packed(values: RawValues) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **values.__dict__)
    return buffer.getvalue()


def _unpacked(packed: bytes) -> RawValues:
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        return RawValues(**{name: arrays[name] for name in arrays})
