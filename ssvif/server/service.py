"""What a running server is made of."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated

from fastapi import Depends, Request

from ssvif.errors import SsvifError
from ssvif.server.jobs import Made
from ssvif.server.keeper import Keeper
from ssvif.server.limits import Limits
from ssvif.server.metrics import Metrics
from ssvif.server.problems import RefusedError, refused
from ssvif.server.upload import Images, read_images
from ssvif.server.workers import Workers


class Service:
    """The model, the threads and the figures of a server.

    Args:
        keeper: Of the model.
        limits: Of requests.
        metrics: Of requests and models.
    """

    def __init__(self, keeper: Keeper, limits: Limits, metrics: Metrics) -> None:
        self.keeper, self.limits, self.metrics = keeper, limits, metrics
        self.workers = Workers(limits)
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

    async def upload(self, request: Request, *, most: int) -> Images:
        """Read a request's images, unless there is no hope for them.

        Raises:
            RefusedError: If they are refused, or the server has no room.
        """
        self.require_ready()
        self.workers.require_room()
        with self._upload():
            return await read_images(request, self.limits, most=most)

    async def make(self, work: Callable[[], Made]) -> Made:
        """Do a pair's work in a thread, and time it.

        Raises:
            RefusedError: If the pair is refused, or its turn did not come.
        """
        try:
            made, waited = await self.workers.run(work)
        except SsvifError as error:
            raise refused(error) from error
        made.seconds["queue"] = waited
        self.metrics.timed(made.seconds)
        return made

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the model while the block runs."""
        self.workers = Workers(self.limits)  # its threads end with the block
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
