"""Refusals over HTTP: problem details with one clear line.

Source: RFC 9457.
"""

import logging
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import Response

from ssvif.errors import (
    ColourInfraredError,
    ImageError,
    ImageTypeError,
    InfraredRangeError,
    ModelError,
    PixelLimitError,
    ShapeError,
    SsvifError,
)

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

_LONGEST = 1000  # of a line

# What is refused in a pair, from the particular to the general: status, and a code for programs.
_KINDS: tuple[tuple[type[SsvifError], int, str], ...] = (
    (PixelLimitError, 413, "too_many_pixels"),
    (ImageTypeError, 415, "image_type"),
    (ColourInfraredError, 422, "colour_infrared"),
    (InfraredRangeError, 422, "ir_range"),
    (ImageError, 422, "image"),
    (ShapeError, 422, "size_mismatch"),
    (ModelError, 500, "model"),
)

_MEANINGS = {
    400: "The body is broken multipart, or its sender went away.",
    401: "The token is missing or wrong.",
    404: "There is nothing at this address.",
    405: "The address knows other methods.",
    408: "The upload took too long.",
    413: "The body has too many bytes, or an image too many pixels.",
    415: "The body is no multipart/form-data, or a file no image of a known type.",
    422: "A parameter, a field or an image is not as it must be, or the sizes differ.",
    429: "The queue is full; `Retry-After` says when to come again.",
    500: "A fault of the server; its log says more.",
    501: "The served model, or this installation, cannot do it.",
    503: "The server is starting or shutting down, or time ran out in the queue.",
}


def printable(text: str, *, most: int) -> str:
    """Return what can stand in one line of a response or a log, whatever was sent."""
    return "".join(letter for letter in text[:most] if letter.isprintable())


class ProblemDetails(BaseModel):
    """What went wrong, as RFC 9457 has it."""

    type: str = Field(default="about:blank", description="Always this: the status says the kind.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.", ge=400, le=599)
    detail: str = Field(description="One line: what was expected, what came, what to do.")
    code: str = Field(description="The reason, for programs; does not change.")


class RefusedError(Exception):
    """A request is not answered as asked.

    Args:
        status: The HTTP status.
        code: The reason, for programs.
        detail: The reason in one line, for people.
        headers: Of the response.
    """

    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(printable(detail, most=_LONGEST))
        self.status = status
        self.code = code
        self.headers = dict(headers or {})

    @property
    def response(self) -> Response:
        """The same as a response."""
        problem = ProblemDetails(
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=str(self),
            code=self.code,
        )
        content = problem.model_dump_json()
        return Response(content, self.status, media_type=MEDIA_TYPE, headers=self.headers)


def refused(error: SsvifError) -> RefusedError:
    """Return how something that this project refuses is answered."""
    for kind, status, code in _KINDS:
        if isinstance(error, kind):
            return RefusedError(status, code, str(error))
    return RefusedError(422, "refused", str(error))


def fault(error: Exception, where: str) -> RefusedError:
    """Log what nobody expected, and return how it is answered.

    Args:
        error: What it is.
        where: What it came from, for the log.
    """
    number = uuid.uuid4().hex[:8]
    logger.error("fault %s: %s", number, where, exc_info=error)
    return RefusedError(
        500, "internal", f"a fault of the server; its log says more, at fault {number}"
    )


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's description of refusals."""
    schema = {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}
    retry = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return {
        status: {
            "description": _MEANINGS[status],
            "content": {MEDIA_TYPE: {"schema": schema}},
            **({"headers": retry} if status in (429, 503) else {}),
        }
        for status in statuses
    }
