"""Keeps the served model, and puts another in its place when the champion moves.

The new model is read and tried beside the old one, which goes on until then; requests that began
with the old one end with it. A model that cannot be read is logged and counted, and tried again
when it is another one; one that cannot be found is looked for again.
"""

import asyncio
import logging
from collections.abc import Callable

from ssvif.errors import SsvifError
from ssvif.server.limits import POLL_SECONDS
from ssvif.server.metrics import Metrics
from ssvif.server.problems import RefusedError
from ssvif.server.served import ServedModel
from ssvif.server.sources import Found, Source

logger = logging.getLogger(__name__)

Load = Callable[[Found], ServedModel]


class Keeper:
    """The served model.

    Args:
        source: Where it comes from.
        load: Reads it.
        metrics: Told of reloads.
        poll: Seconds from look to look whether there is another one.
    """

    def __init__(
        self, source: Source, load: Load, metrics: Metrics, *, poll: float = POLL_SECONDS
    ) -> None:
        self.failure: Exception | None = None
        self.on_failure: Callable[[], object] = lambda: None
        self._source, self._load, self._metrics, self._poll = source, load, metrics, poll
        self._model: ServedModel | None = None
        self._tried = ""
        self._trouble = ""

    @property
    def is_ready(self) -> bool:
        """Whether there is a model."""
        return self._model is not None

    @property
    def model(self) -> ServedModel:
        """The model to fuse with now.

        Raises:
            RefusedError: With 503, while the first one is being read.
        """
        if self._model is None:
            raise RefusedError(
                503,
                "starting",
                "the model is being read; try again in a moment",
                headers={"Retry-After": "1"},
            )
        return self._model

    async def keep(self) -> None:
        """Read the model, then look for another from time to time, until cancelled.

        Where the first one cannot be found, read or run, the error is kept as `failure`, and
        `on_failure` is called.
        """
        try:
            while not await self._renew():
                pass
        except Exception as error:
            self.failure = error
            self.on_failure()
            return
        while True:
            await asyncio.sleep(self._poll)
            await self.look()

    async def look(self) -> bool:
        """Look for another model, and serve it from now on.

        Returns:
            Whether there is another one now.
        """
        tried = self._tried
        try:
            is_new = await self._renew()
        except Exception as error:  # whatever it is, the old one goes on
            if self._tried == tried:
                self._tell_once(error)
            else:
                self._metrics.reloaded(done=False)
                unknown = _unknown(error)
                logger.log(
                    logging.ERROR, "the new model cannot be served: %s", error, exc_info=unknown
                )
                logger.info("the old model goes on")
            return False
        self._trouble = ""
        if is_new:
            self._metrics.reloaded(done=True)
        return is_new

    async def _renew(self) -> bool:
        """Serve the model that is there now, unless it was tried already; return whether."""
        found = await asyncio.to_thread(self._source.find)
        if found.mark == self._tried:
            return False
        # What it raises counts if it was not replaced meanwhile: what was read may be of both.
        reading = asyncio.to_thread(self._read, found)
        (model,) = await asyncio.gather(reading, return_exceptions=True)
        if (await asyncio.to_thread(self._source.find)).mark != found.mark:
            return False
        self._tried = found.mark
        if isinstance(model, BaseException):
            raise model
        self._serve(model)
        return True

    def _read(self, found: Found) -> ServedModel:
        model = self._load(found)
        model.warm_up()
        return model

    def _serve(self, model: ServedModel) -> None:
        self._model = model
        facts = model.facts
        self._metrics.serves(
            weights=facts.weights, name=facts.name, version=facts.version or "unknown"
        )
        logger.info("serving the model %s (weights %s)", facts.name, facts.weights[:16])

    def _tell_once(self, error: Exception) -> None:
        """Log what goes on, when it begins."""
        if str(error) != self._trouble:
            self._trouble = str(error)
            logger.warning(
                "the model cannot be found now: %s; the old one goes on",
                error,
                exc_info=_unknown(error),
            )


def _unknown(error: Exception) -> Exception | None:
    """Return what is to be logged in full: what this project refuses is said in one line."""
    return None if isinstance(error, SsvifError) else error
