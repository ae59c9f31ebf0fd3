"""Training by several processes as if by one; torchrun starts them.

Every process draws the whole batch of a step and keeps the scenes that are its share. Losses,
gradients, statistics and health figures are of the whole batch again, so that all processes hold
equal weights, and the loss follows that of one process up to rounding. Where there is one process,
nothing is sent and nothing is copied.
"""

import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NoReturn

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.nn.functional import all_reduce
from torch.distributed.run import main as torchrun


def count() -> int:
    """Return how many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Return which of them this one is, from 0; the first one alone writes files and logs."""
    return dist.get_rank() if dist.is_initialized() else 0


def is_launched() -> bool:
    """Return whether torchrun started this process."""
    return dist.is_torchelastic_launched()


def have_gpus() -> bool:
    """Return whether each process of this machine has a GPU of its own."""
    local = int(os.environ["LOCAL_WORLD_SIZE"]) if is_launched() else 1
    return torch.cuda.device_count() >= local


def launch(module: str, *, processes: int) -> NoReturn:
    """Run a module in several processes on this machine, as torchrun does, and exit as it did.

    Args:
        module: Such as `ssvif.stages.stage_one`.
        processes: How many.
    """
    try:
        torchrun(["--standalone", "--nproc-per-node", str(processes), "--module", module])
    except ChildFailedError as error:
        _, failure = error.get_first_failure()
        sys.exit(max(1, failure.exitcode))
    sys.exit(0)


@contextmanager
def joined() -> Iterator[None]:
    """Join the processes that torchrun started; alone, do nothing.

    With a GPU for each process on the machine they talk by NCCL, else by gloo.
    """
    if not is_launched():
        yield
        return
    on_gpu = have_gpus()
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if on_gpu else "gloo")
    if rank() > 0:
        logging.disable(logging.WARNING)
    try:
        yield
    finally:
        dist.destroy_process_group()


def own(rows: Tensor, groups: int = 1) -> Tensor:
    """Return this process's share of a batch.

    Args:
        rows: (G B, ...), in groups one after the other, such as all first views, then all second
            ones.
        groups: Their number G.

    Returns:
        (G B / processes, ...); of each group the same scenes.
    """
    if count() == 1:
        return rows
    share: Tensor = rows.unflatten(0, (groups, count(), -1))[:, rank()].flatten(0, 1)
    return share


def gathered(rows: Tensor, groups: int = 1) -> Tensor:
    """Return the batch that all processes' shares make, the inverse of `own`; no gradient flows."""
    if count() == 1:
        return rows
    rows = rows.detach().contiguous()
    parts = [torch.empty_like(rows) for _ in range(count())]
    dist.all_gather(parts, rows)
    whole: Tensor = torch.stack(parts).unflatten(1, (groups, -1)).transpose(0, 1).flatten(0, 2)
    return whole


def mean(value: Tensor) -> Tensor:
    """Return the mean of all processes' values; gradients flow back to all of them."""
    if count() == 1:
        return value
    total: Tensor = all_reduce(value)
    share: Tensor = total / count()
    return share


def average(tensors: Sequence[Tensor]) -> None:
    """Replace tensors by their means over the processes, sent together."""
    if count() == 1 or not tensors:
        return
    flat = mean(torch.cat([tensor.detach().flatten() for tensor in tensors]))
    for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def mean_figures(figures: Mapping[str, float]) -> dict[str, float]:
    """Return the means of all processes' figures, which have the same names everywhere."""
    if count() == 1:
        return dict(figures)
    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    values = mean(torch.tensor(list(figures.values()), dtype=torch.float64, device=device))
    return dict(zip(figures, values.tolist(), strict=True))
