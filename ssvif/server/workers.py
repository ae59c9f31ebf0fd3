"""The threads that fuse, and the queue before them."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from typing import TypeVar

from ssvif.server.limits import Limits
from ssvif.server.problems import RefusedError

Result = TypeVar("Result")

# Tells whether who asked is there no more.
IsGone = Callable[[], Awaitable[bool]]

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
        self._alone = asyncio.Semaphore(1)
        self._pool = ThreadPoolExecutor(limits.concurrency, thread_name_prefix="fuse")
        self._mean: float | None = None

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

    async def run(
        self,
        work: Callable[[], Result],
        *,
        is_gone: IsGone | None = None,
        line: asyncio.Lock | None = None,
        alone: bool = False,
    ) -> tuple[Result, float]:
        """Do work in a thread, when its turn has come.

        Args:
            work: What to do.
            is_gone: Asked when the turn has come; for who is gone nothing is done.
            line: Held until the turn has come: of those that share it, one waits in the queue.
            alone: Never beside other work that is to be done alone; waits without a thread.

        Returns:
            Its result, and how many seconds it waited.

        Raises:
            RefusedError: With 503, if its turn did not come in time; with 400, if who asked is
                gone.
        """
        loop = asyncio.get_running_loop()
        with ExitStack() as held:
            async with line or nullcontext():
                came = loop.time()
                await self._turn([self._alone, self._free] if alone else [self._free], held)
            if is_gone and await is_gone():
                raise RefusedError(400, "gone", "the sender went away before its turn came")
            began = loop.time()
            future = self._pool.submit(work)
            self.running += 1
            held.callback(self._ended)
            # Whoever waits may be cancelled; its thread is free when the work is done.
            release = held.pop_all().close
        future.add_done_callback(lambda _: _soon(loop, release))
        result = await asyncio.wrap_future(future)
        self._took(loop.time() - began)
        return result, began - came

    def close(self) -> None:
        """Take no more work; what runs ends."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _turn(self, turns: list[asyncio.Semaphore], held: ExitStack) -> None:
        self.waiting += 1
        try:
            async with asyncio.timeout(self._limits.timeout):
                for turn in turns:
                    await turn.acquire()
                    held.callback(turn.release)
        except TimeoutError:
            raise RefusedError(
                503,
                "queue_timeout",
                f"not begun within {self._limits.timeout:g} seconds; try again later",
                headers={"Retry-After": str(self._retry_after())},
            ) from None
        finally:
            self.waiting -= 1

    def _ended(self) -> None:
        self.running -= 1

    def _took(self, seconds: float) -> None:
        mean = seconds if self._mean is None else self._mean
        self._mean = mean + _SMOOTHING * (seconds - mean)

    def _retry_after(self) -> int:
        """Return the seconds until what is admitted now will be done, as far as is known."""
        seconds = self.admitted * (self._mean or 0.0) / self._limits.concurrency
        return min(_LONGEST_RETRY, max(1, math.ceil(seconds)))


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    """Call something on a loop, from another thread, unless the loop has ended."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call)
