"""Work in threads: results come in order, and memory stays bounded however many items there are."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """Return how many threads there may be: as PyTorch is told, or as many as the process has."""
    # OpenMP takes a list, too, of which the first counts here.
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    told = int(first) if first.isdecimal() else 0
    if told or not hasattr(os, "sched_getaffinity"):  # which Linux has alone
        return told or os.cpu_count() or 1
    return len(os.sched_getaffinity(0))


def in_threads(
    work: Callable[[Item], Result], items: Iterable[Item], *, threads: int
) -> Generator[Result, None, None]:
    """Do work in threads of its own; see `in_order`.

    Args:
        work: What is done to an item.
        items: Read as the work goes on, however many they are.
        threads: How many there are; twice as many items are ahead of those that are asked for.
    """
    with ThreadPoolExecutor(threads) as pool:
        yield from in_order(pool, work, items, ahead=2 * threads)


def in_order(
    pool: Executor, work: Callable[[Item], Result], items: Iterable[Item], *, ahead: int
) -> Generator[Result, None, None]:
    """Do work in a pool, a few items ahead of those that are asked for.

    Closed before its end, or interrupted, it begins no item that waits.

    Args:
        pool: Who does it.
        work: What is done to an item.
        items: Read as the work goes on, however many they are.
        ahead: How many items.

    Yields:
        The results, in the items' order.
    """
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
