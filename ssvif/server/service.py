"""What a running server is made of."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Annotated

from fastapi import Depends, Request

from ssvif.errors import SsvifError
from ssvif.server.jobs import Made
from ssvif.server.keeper import Keeper
from ssvif.server.limits import Limits
from ssvif.server.metrics import Metrics
from ssvif.server.problems import RefusedError, refused
from ssvif.server.upload import Images, read_images, receive
from ssvif.server.workers import Workers


class Service:
    """The model, the threads and the figures of a server.

    Args:
        keeper: Of the model.
        limits: Of requests.
        metrics: Of requests and models.
    """

    workers: Workers  # while it runs

    def __init__(self, keeper: Keeper, limits: Limits, metrics: Metrics) -> None:
        self.keeper, self.limits, self.metrics = keeper, limits, metrics
        self.is_stopping = False
        self._uploads = 0
        metrics.watch("ssvif_in_flight", "Pairs in work now.", lambda: self.workers.running)
        metrics.watch("ssvif_queue_depth", "Pairs that wait now.", lambda: self.workers.waiting)
        metrics.watch("ssvif_uploads", "Bodies that are being read now.", lambda: self._uploads)

    def require_ready(self) -> None:
        """Refuse where nothing can be fused now.

        Raises:
            RefusedError: With 503.
        """
        if self.is_stopping:
            raise RefusedError(
                503,
                "shutting_down",
                "the server is shutting down; try again later",
                headers={"Retry-After": "5", "Connection": "close"},
            )
        _ = self.keeper.model

    @asynccontextmanager
    async def take(self, request: Request, *, most: int) -> AsyncIterator[Images]:
        """Read a request's images, and hold a place for it while the block runs.

        What is uploaded is brought into memory when there is a place for it.

        Args:
            request: With a body that was not read.
            most: Files that each field may have.

        Raises:
            RefusedError: If they are refused, or the server has no room.
        """
        self.require_ready()
        self.workers.require_room()
        with ExitStack() as held:
            with self._upload():
                async with receive(request, self.limits, most=most) as form:
                    held.enter_context(self.workers.place())
                    images = await read_images(form, most=most)
            yield images

    async def make(
        self,
        work: Callable[[], Made],
        request: Request,
        *,
        line: asyncio.Lock | None = None,
        alone: bool = False,
    ) -> Made:
        """Do a pair's work in a thread, and time it.

        Args:
            work: What to do.
            request: Who asks; nothing is done if it is gone when its turn has come.
            line: See `Workers.run`.
            alone: See `Workers.run`.

        Raises:
            RefusedError: If the pair is refused, or its turn did not come.
        """
        try:
            made, waited = await self.workers.run(
                work, is_gone=request.is_disconnected, line=line, alone=alone
            )
        except SsvifError as error:
            raise refused(error) from error
        made.seconds["queue"] = waited
        self.metrics.timed(made.seconds)
        return made

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the model while the block runs."""
        self.workers = Workers(self.limits)
        keeping = asyncio.create_task(self.keeper.keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            self.workers.close()

    @contextmanager
    def _upload(self) -> Iterator[None]:
        if self._uploads >= self.limits.uploads:
            raise RefusedError(
                429,
                "uploads_full",
                f"{self._uploads} uploads are under way already; try again later",
                headers={"Retry-After": "1"},
            )
        self._uploads += 1
        try:
            yield
        finally:
            self._uploads -= 1


def service_of(request: Request) -> Service:
    """Return the service that a request came to."""
    service: Service = request.app.state.service
    return service


TheService = Annotated[Service, Depends(service_of)]
