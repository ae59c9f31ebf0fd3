"""Fuses pairs of files on many machines with Ray Data; the only place for Ray.

Paths travel, never pixels: each machine reads and writes the files itself, by the same
`ssvif.fuse.files.fuse_each` as one machine alone. So what is done already is passed over, outputs
appear by rename, and a block of pairs whose machine dies is simply given to another one.
"""

import io
import logging
import os
import secrets
import socket
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from platform import node
from typing import TYPE_CHECKING, Any

import numpy as np

from ssvif import __version__
from ssvif.data.infrared_range import RawValues, raw_values
from ssvif.errors import ModelError, ServiceError, SsvifError
from ssvif.fuse.choices import EngineName, Precision
from ssvif.fuse.files import (
    PLAIN,
    Fused,
    Manner,
    Outcome,
    Tell,
    fuse_each,
    gathered,
    quiet,
    shared_range,
)
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.pairing import FusePair
from ssvif.fuse.places import PRETRAINED
from ssvif.fuse.views import FUSED, View
from ssvif.params import MAX_PIXELS

if TYPE_CHECKING:
    import pyarrow as pa
    from ray.data import Dataset

    from ssvif.fuse.segmenter import Segmenter

LOCAL = "local"
AUTO = "auto"

# A block of pairs is what a machine gets, and what is given to another one if it dies.
_BLOCK_PAIRS = 32
_LEAST_BLOCKS = 64
# How often a block is tried again whose process died; a file may be what kills it.
_RETRIES = 4
# Paths alone are in Ray's store.
_LOCAL_STORE_BYTES = 128 << 20
_CONNECT_SECONDS = 5.0
_CHECK_SECONDS = 120.0

# Of paths as bytes: any name that a file may have.
_BETWEEN = b"\0"

_Work = Callable[["pa.Table", "_Task"], "pa.Table"]


@dataclass(frozen=True)
class Recipe:
    """How each machine loads its fuser; see `Fuser.load`.

    Args:
        model: A folder or a file that all machines see; None for the one in the package.
        view: For whom the images are.
        engine: What runs the network.
        device: Where it runs.
        precision: Of the convolutions.
    """

    model: Path | None
    view: View = FUSED
    engine: EngineName | None = None
    device: str = "cpu"
    precision: Precision = "float32"

    def load(self) -> Fuser:
        """Read the fuser.

        Raises:
            ModelError: If there is no model, or it cannot be read or run so.
        """
        return Fuser.load(
            self.model or PRETRAINED,
            view=self.view,
            engine=self.engine,
            device=self.device,
            precision=self.precision,
        )


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
        address: `local` for the cores of this machine, `auto` for the cluster that it belongs to,
            or `HOST:PORT` of that cluster's head.
        recipe: What fuses.
        pairs: The files, which all machines see under these paths.
        manner: How.
        tell: See `ssvif.fuse.files.fuse_files`.

    Returns:
        How many were fused, and why others were not. What a machine had written when it died
        counts as done already.

    Raises:
        ModelError: If there is no model, or it cannot be read.
        ServiceError: If there is no such cluster, or one of its machines cannot fuse.
    """
    here = replace(recipe, model=recipe.model.absolute() if recipe.model else None)
    # A model that cannot be read is refused here, once; this machine may have no GPU.
    weights = replace(here, device="cpu").load().weights
    there = replace(manner, segmenter=None)
    task = _Task(here, weights, there, segment=manner.segmenter is not None)
    with _connected(address):
        if manner.ir_range is None:
            task = replace(task, manner=replace(there, ir_range=_find_range(pairs, task)))
        return gathered(pairs, _outcomes(pairs, task), tell=tell)


def _outcomes(pairs: Sequence[FusePair], task: _Task) -> Iterator[tuple[int, Outcome]]:
    missing = set(range(len(pairs)))
    for row in _rows(pairs, _fuse_block, task):
        missing.discard(row["number"])
        yield row["number"], row["failed"] or row["fused"]
    lost = (
        f"the process that was to fuse it died {_RETRIES + 1} times, by this pair or one of the "
        f"{_BLOCK_PAIRS - 1} beside it; fuse it alone to see why"
    )
    for number in missing:
        yield number, lost


def _find_range(pairs: Sequence[FusePair], task: _Task) -> tuple[float, float] | None:
    found = RawValues()
    found.join(_unpacked(row["values"]) for row in _rows(pairs, _count_block, task))
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
        outcomes = [f"on {node()}: {error}"] * len(pairs)
    fused = pa.array([outcome is True for outcome in outcomes])
    failed = [outcome if isinstance(outcome, str) else None for outcome in outcomes]
    return pa.table(
        {"number": block["number"], "fused": fused, "failed": pa.array(failed, pa.string())}
    )


def _count_block(block: "pa.Table", _: _Task) -> "pa.Table":
    """Count the raw values of a block's deep infrared images."""
    import pyarrow as pa

    infrared = (_unpacked_pair(paths).ir for paths in block["paths"].to_pylist())
    return pa.table({"values": pa.array([_packed(raw_values(infrared, max_pixels=MAX_PIXELS))])})


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


@contextmanager
def _connected(address: str) -> Iterator[None]:
    """Belong to a cluster until the block ends; one that the caller belongs to already stays."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # or Ray reports to its makers
    options: dict[str, Any] = {}
    if address == LOCAL:
        _keep_to_this_machine()
        options = {"include_dashboard": False, "object_store_memory": _LOCAL_STORE_BYTES}
    elif address != AUTO:
        _require_reachable(address)
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ServiceError("--ray needs Ray; `pip install 'ssvif[ray]'` brings it") from error
    if ray.is_initialized():
        yield
        return
    try:
        ray.init(address=address, logging_level="WARNING", **options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ServiceError(f"--ray {address}: no cluster to join ({reason})") from error
    try:
        _require_able_machines()
        yield
    finally:
        ray.shutdown()


def _keep_to_this_machine() -> None:
    """Let Ray's processes listen on loopback, and obey nobody who has not this call's token.

    Ray reads all this from the environment: the first one as it is imported, and by a name that
    is of other systems. Its workers are nice by default, and starve where others work, too.
    """
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    os.environ.setdefault("RAY_worker_niceness", "0")
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


def _require_reachable(address: str) -> None:
    """Refuse what is no address, or where nobody listens: Ray would wait two minutes, and exit."""
    host, _, port = address.rpartition(":")
    if "/" in host or not host or not port.isdecimal():
        raise ServiceError(
            f"--ray {address}: expected {LOCAL}, {AUTO}, or HOST:PORT of the head, on a machine of "
            "the cluster"
        )
    try:
        socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ServiceError(
            f"--ray {address}: nobody answers there ({error}); see `ray status`", transient=True
        ) from error


def _require_able_machines() -> None:
    """Refuse a cluster with a machine that lacks this version of the package."""
    import ray
    from ray.exceptions import RayError, RayTaskError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    ask = ray.remote(num_cpus=0, max_retries=0)(_version)
    asked = {
        ask.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(machine["NodeID"], soft=False)
        ).remote(): machine["NodeManagerAddress"]
        for machine in ray.nodes()
        if machine["Alive"] and machine["Resources"].get("CPU")
    }
    ready, _ = ray.wait(list(asked), num_returns=len(asked), timeout=_CHECK_SECONDS)
    for answer in ready:
        try:
            found = ray.get(answer)
        except RayTaskError as error:
            found = str(error).strip().splitlines()[-1]
        except RayError:
            continue  # the machine is gone, and so gets no work
        if found != __version__:
            raise ServiceError(
                f"{asked[answer]}: found {found}, expected ssvif {__version__} as here; install it "
                "there, for the Python that runs Ray"
            )


def _version() -> str:
    return __version__
