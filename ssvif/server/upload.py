"""Reads the image files of a multipart request, within limits."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import PureWindowsPath

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from ssvif.data.images import ImageBytes
from ssvif.server.limits import MEGABYTE, Limits
from ssvif.server.problems import RefusedError, printable

FIELDS = ("vis", "ir")

_MEDIA_TYPE = "multipart/form-data"
_LONGEST_NAME = 255  # as of file systems
_TEXT_BYTES = 1024  # of a field that is no file, which none should be
_TEXT_TOO_LONG = "Part exceeded"  # as Starlette says it

Images = dict[str, list[ImageBytes]]


class _Parser(MultiPartParser):
    """Knows whether the body was whole."""

    has_ended = False

    def on_end(self) -> None:
        self.has_ended = True


@asynccontextmanager
async def receive(request: Request, limits: Limits, *, most: int) -> AsyncIterator[FormData]:
    """Receive the body of a request; its larger files are on disk until the block ends.

    Args:
        request: With a body of multipart/form-data.
        limits: Of bytes and time.
        most: Files that each field may have.

    Raises:
        RefusedError: With 400, 408, 413, 415 or 422.
    """
    _require_multipart(request, limits)
    parser = _Parser(
        request.headers,
        _bounded(request, limits),
        max_files=len(FIELDS) * most + 1,
        max_fields=len(FIELDS),
        max_part_size=_TEXT_BYTES,
    )
    try:
        async with asyncio.timeout(limits.timeout):
            form = await parser.parse()
    except TimeoutError:
        raise RefusedError(
            408,
            "upload_timeout",
            f"the upload took more than {limits.timeout:g} seconds",
            headers={"Connection": "close"},
        ) from None
    except ClientDisconnect:
        raise RefusedError(400, "gone", "the sender went away before the end") from None
    except (MultiPartException, HTTPException, ValueError, LookupError) as error:
        reason = str(getattr(error, "message", error)) or type(error).__name__
        if reason.startswith(_TEXT_TOO_LONG):
            raise _field(
                "expected files, found a long text; send images with a file name"
            ) from None
        raise _broken(reason) from None
    try:
        if not parser.has_ended:
            raise _broken("it ends before its last boundary")
        yield form
    finally:
        await form.close()


async def read_images(form: FormData, *, most: int) -> Images:
    """Read the image files of a body into memory.

    Args:
        form: The body.
        most: Files that each field may have.

    Returns:
        The files of each of `FIELDS`, in the order they came in.

    Raises:
        RefusedError: With 422.
    """
    found: Images = {field: [] for field in FIELDS}
    for field, value in form.multi_items():
        if field not in found:
            raise _field(
                f"unknown field {printable(field, most=_LONGEST_NAME)!r}; the fields are vis and ir"
            )
        if isinstance(value, str):
            raise _field(f"{field}: expected a file, found text; send it with a file name")
        if len(found[field]) == most:
            raise _field(f"{field}: more than {most} files; send {most} at most")
        # Takes both kinds of slashes for what they are.
        name = printable(PureWindowsPath(value.filename or "").name, most=_LONGEST_NAME)
        content = await value.read()
        if not content:
            raise _field(f"{field}: the file {name} is empty")
        found[field].append(ImageBytes(name or field, content))
    for field, files in found.items():
        if not files:
            raise _field(f"{field}: missing; send the image file in the field {field}")
    return found


def _require_multipart(request: Request, limits: Limits) -> None:
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != _MEDIA_TYPE:
        raise RefusedError(
            415,
            "body_type",
            f"expected a body of {_MEDIA_TYPE} with the files vis and ir, found "
            f"{printable(kind, most=_LONGEST_NAME) or 'none'}",
        )
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limits.max_bytes:
        raise _too_large(limits)


async def _bounded(request: Request, limits: Limits) -> AsyncGenerator[bytes, None]:
    """Yield the body until it has more bytes than it may."""
    total = 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > limits.max_bytes:
            raise _too_large(limits)
        yield chunk


def _field(detail: str) -> RefusedError:
    return RefusedError(422, "field", detail)


def _broken(reason: str) -> RefusedError:
    return RefusedError(400, "multipart", f"the multipart body is broken: {reason}")


def _too_large(limits: Limits) -> RefusedError:
    megabytes = limits.max_bytes / MEGABYTE
    return RefusedError(
        413, "too_many_bytes", f"the body has more than {megabytes:g} MiB; send smaller files"
    )
