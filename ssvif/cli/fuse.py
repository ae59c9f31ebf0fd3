"""`ssvif fuse`: fuses two files, two folders paired by name, or a delivery as it is."""

from pathlib import Path
from typing import Annotated

import typer

from ssvif.fuse.views import FUSED, View

EXIT_SOME_FAILED = 3


def fuse(
    out: Annotated[Path, typer.Option("--out", "-o", help="PNG to write, or a folder.")],
    vis: Annotated[Path | None, typer.Argument(help="Visible image, or a folder of them.")] = None,
    ir: Annotated[Path | None, typer.Argument(help="Infrared image, or a folder of them.")] = None,
    captures: Annotated[
        Path | None,
        typer.Option(help="A delivery in any layout, instead of VIS and IR; see docs/captures.md."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Weights file, bundle folder, models:/NAME@ALIAS, or pretrained, which comes with "
            "the package; else the champion, and pretrained where there is none."
        ),
    ] = None,
    view: Annotated[
        View,
        typer.Option(
            help="fused, for people; machine, for a segmenter: three channels of free colour."
        ),
    ] = FUSED,
    ir_range: Annotated[
        tuple[float, float] | None,
        typer.Option(help="Raw infrared values of black and white, for more than 8 bits."),
    ] = None,
) -> None:
    """Fuse registered pairs of any size; the fused image keeps the visible one's colour.

    What is fused already, of the same files, model and view, is passed over.

    Exit codes: 0 all fused, 2 nothing could be started, 3 some pairs failed and are named.
    """
    from ssvif.cli.names import model_path
    from ssvif.errors import CapturesError
    from ssvif.fuse.files import fuse_files, fuse_folder, pair_files
    from ssvif.fuse.fuser import Fuser
    from ssvif.fuse.places import PRETRAINED, model_in_use

    place = model_in_use() if model is None else model_path(model)
    if captures is not None and vis is None:
        done = fuse_folder(Fuser.load(place, view=view), captures, out, ir_range=ir_range)
    elif vis is not None and ir is not None and captures is None:
        pairs = pair_files(vis, ir, out)
        done = fuse_files(Fuser.load(place, view=view), pairs, ir_range=ir_range)
    else:
        raise CapturesError("expected VIS and IR, or --captures FOLDER; see `ssvif fuse --help`")
    name = "the package's model" if place == PRETRAINED else place
    typer.echo(f"{done.sentence} with {name}: {out}")
    for path, reason in done.failed.items():
        typer.echo(f"failed: {path}: {reason}", err=True)
    if done.failed:
        raise typer.Exit(EXIT_SOME_FAILED)
