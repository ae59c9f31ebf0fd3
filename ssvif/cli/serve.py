"""`ssvif serve`: fuses over HTTP, with a web page."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ssvif.cli.options import DeviceOption, EngineOption, PrecisionOption
from ssvif.server.limits import GRACE_SECONDS, MEGABYTE, POLL_SECONDS, Limits

TOKEN_VARIABLE = "SSVIF_TOKEN"  # noqa: S105 - where it is, not what it is

_SENDABLE = re.compile("[!-~]+")  # in a header
_USUAL = Limits()

if TYPE_CHECKING:
    from ssvif.server.sources import Source


def serve(
    model: Annotated[
        str | None,
        typer.Option(
            help="Weights file, bundle folder, models:/NAME@ALIAS, or pretrained, which comes with "
            "the package; else the champion, and pretrained until there is one. Another model in "
            "its place is served without a restart."
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free one.")] = 8000,
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with the token that clients must send; or set SSVIF_TOKEN."),
    ] = None,
    without_token: Annotated[
        bool,
        typer.Option("--without-token", help="Let everybody in who reaches --host."),
    ] = False,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Pairs fused at once; by default one a core.")
    ] = None,
    queue: Annotated[int, typer.Option(min=0, help="Requests that may wait.")] = _USUAL.queue,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds for an upload, and in the queue.")
    ] = _USUAL.timeout,
    max_mb: Annotated[float, typer.Option(min=0.001, help="Of a request's body, in MiB.")] = (
        _USUAL.max_bytes / MEGABYTE
    ),
    max_pixels: Annotated[int, typer.Option(min=1, help="Of an image.")] = _USUAL.max_pixels,
    max_pairs: Annotated[int, typer.Option(min=1, help="Of a batch.")] = _USUAL.max_pairs,
    grace: Annotated[int, typer.Option(min=0, help="Seconds for requests to end at SIGTERM.")] = (
        GRACE_SECONDS
    ),
    poll: Annotated[
        float, typer.Option(min=0.1, help="Seconds from look to look for another model.")
    ] = POLL_SECONDS,
    access_log: Annotated[bool, typer.Option(help="Log every request.")] = True,
    engine: EngineOption = None,
    device: DeviceOption = "cpu",
    precision: PrecisionOption = "float32",
) -> None:
    """Serve fusing over HTTP at http://127.0.0.1:8000, with a page to try it.

    Needs `pip install 'ssvif[serve]'`. SIGTERM or Ctrl-C ends it when what runs is done.

    Exit codes: 0 ended, 2 it could not be started, 75 the registry could not be reached then.
    """
    from ssvif.server.run import Options, serve
    from ssvif.server.served import Runtime
    from ssvif.threads import cores

    limits = Limits(
        concurrency=concurrency or cores(),
        queue=queue,
        max_bytes=int(max_mb * MEGABYTE),
        max_pixels=max_pixels,
        max_pairs=max_pairs,
        timeout=timeout,
    )
    options = Options(
        host=host,
        port=port,
        token=_token(token_file),
        open_to_all=without_token,
        grace=grace,
        poll=poll,
        access_log=access_log,
        limits=limits,
        runtime=Runtime(engine=engine, device=device, precision=precision),
    )
    serve(_source(model), options)


def _source(model: str | None) -> "Source":
    from ssvif.cli.names import REGISTRY_SCHEME
    from ssvif.fuse.places import PRETRAINED
    from ssvif.server.sources import ChampionSource, PathSource, RegistrySource

    if model is None:
        return ChampionSource()
    if model.startswith(REGISTRY_SCHEME):
        return RegistrySource(model)
    return PathSource(PRETRAINED if model == PRETRAINED.name else Path(model))


def _token(file: Path | None) -> str | None:
    from ssvif.errors import ServerError

    try:
        given = os.environ.get(TOKEN_VARIABLE) if file is None else file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ServerError(f"{file}: the token cannot be read ({error})") from error
    if given is None:
        return None
    token = given.strip()
    if not token:
        raise ServerError(f"the token is empty; give {TOKEN_VARIABLE} or --token-file some content")
    if not _SENDABLE.fullmatch(token):
        raise ServerError(
            "the token has what no client can send; take ASCII letters, digits and signs without "
            "spaces, such as of `openssl rand -hex 24`"
        )
    return token
