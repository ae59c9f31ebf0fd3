"""Locks between processes: the kernel's, so that they are free however their holders end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ssvif.errors import SsvifError


@contextmanager
def locked(path: Path, *, seconds: float, refusal: SsvifError) -> Iterator[None]:
    """Hold a lock for the block: one process on this machine at a time.

    Args:
        path: The lock's file; its folder is made.
        seconds: How long is waited for another holder.
        refusal: What is raised then: who may hold it, and what to do.

    Raises:
        SsvifError: `refusal`.
    """
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        raise refusal from None
    try:
        yield
    finally:
        lock.release()
