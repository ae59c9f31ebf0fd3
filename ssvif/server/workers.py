"""The threads that fuse, and the queue before them."""

import asyncio
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from ssvif.server.limits import Limits
from ssvif.server.problems import RefusedError

Result = TypeVar("Result")

_SMOOTHING = 0.1  # of the mean time of a piece of work
_LONGEST_RETRY = 60


class Workers:
    """Does work in threads; first come, first served, and no more than can wait.

    All methods are for the thread of the event loop.

    Args:
        limits: How many, and how long.
    """

    def __init__(self, limits: Limits) -> None:
        self.running = 0
        self.waiting = 0
        self.admitted = 0
        self._limits = limits
        self._free = asyncio.Semaphore(limits.concurrency)
        self._pool = ThreadPoolExecutor(limits.concurrency, thread_name_prefix="fuse")
        self._mean = 0.0

    def require_room(self) -> None:
        """Refuse where the queue is full.

        Raises:
            RefusedError: With 429.
        """
        if self.admitted >= self._limits.places:
            raise RefusedError(
                429,
                "queue_full",
                f"{self._limits.queue} requests wait already; try again later",
                headers={"Retry-After": str(self._retry_after())},
            )

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place for a request.

        Raises:
            RefusedError: With 429, where the queue is full.
        """
        self.require_room()
        self.admitted += 1
        try:
            yield
        finally:
            self.admitted -= 1

    async def run(self, work: Callable[[], Result]) -> tuple[Result, float]:
        """Do work in a thread, when its turn has come.

        Returns:
            Its result, and how many seconds it waited.

        Raises:
            RefusedError: With 503, if its turn did not come in time.
        """
        clock = asyncio.get_running_loop().time
        began = clock()
        await self._turn()
        waited = clock() - began
        self.running += 1
        try:
            result = await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self.running -= 1
            self._free.release()
        self._mean += _SMOOTHING * (clock() - began - waited - self._mean)
        return result, waited

    def close(self) -> None:
        """Take no more work; what runs ends."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _turn(self) -> None:
        self.waiting += 1
        try:
            async with asyncio.timeout(self._limits.timeout):
                await self._free.acquire()
        except TimeoutError:
            raise RefusedError(
                503,
                "queue_timeout",
                f"not begun within {self._limits.timeout:g} seconds; try again later",
                headers={"Retry-After": str(self._retry_after())},
            ) from None
        finally:
            self.waiting -= 1

    def _retry_after(self) -> int:
        """Return the seconds until what is admitted now will be done, as far as is known."""
        seconds = self.admitted * self._mean / self._limits.concurrency
        return min(_LONGEST_RETRY, max(1, math.ceil(seconds)))
