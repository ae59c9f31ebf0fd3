"""`ssvif fuse`: fuses two files, or two folders paired by name."""

from pathlib import Path
from typing import Annotated

import typer

EXIT_SOME_FAILED = 3
REGISTRY_SCHEME = "models:/"


def fuse(
    vis: Annotated[Path, typer.Argument(help="Visible image, or a folder of them.")],
    ir: Annotated[Path, typer.Argument(help="Infrared image, or a folder of them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="PNG to write, or a folder.")],
    model: Annotated[
        str | None,
        typer.Option(help="Weights file, bundle folder or models:/NAME@ALIAS; else the champion."),
    ] = None,
    ir_range: Annotated[
        tuple[float, float] | None,
        typer.Option(help="Raw infrared values of black and white, for more than 8 bits."),
    ] = None,
) -> None:
    """Fuse registered pairs of any size; the fused image keeps the visible one's colour.

    Exit codes: 0 all fused, 2 nothing could be started, 3 some pairs failed and are named.
    """
    from ssvif.fuse.files import fuse_files, pair_files
    from ssvif.fuse.fuser import Fuser
    from ssvif.fuse.places import CHAMPION

    pairs = pair_files(vis, ir, out)
    fuser = Fuser.load(CHAMPION if model is None else _local_model(model))
    failed = fuse_files(fuser, pairs, ir_range=ir_range)
    typer.echo(f"fused {len(pairs) - len(failed)} of {len(pairs)} pairs to {out}")
    for path, reason in failed.items():
        typer.echo(f"failed: {path}: {reason}", err=True)
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _local_model(model: str) -> Path:
    """Return the path of a model, fetched from the registry where it is named so."""
    if not model.startswith(REGISTRY_SCHEME):
        return Path(model)
    from ssvif.registry.resolve import resolve_model

    return resolve_model(model)
