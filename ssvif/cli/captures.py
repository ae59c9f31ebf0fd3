"""`ssvif captures`: bring sets of captures in, and list them."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Bring captures in, and list them.")


@app.command()
def add(
    folder: Annotated[Path, typer.Argument(help="The folder that holds the captures.")],
    name: Annotated[
        str | None, typer.Option(help="The set's name; the folder's if left out.")
    ] = None,
    layout: Annotated[
        str, typer.Option(help="How files are named; see docs/captures.md.")
    ] = "auto",
) -> None:
    """Bring a folder of visible/infrared captures in, leaving it as it is."""
    from ssvif.data.captures import add_captures
    from ssvif.params import load_params

    added = add_captures(folder, name=name, layout=layout, params=load_params().ingest)
    typer.echo(
        f"{added.name}: {added.pairs} pairs (layout {added.layout}), {added.new_files} files"
        f" are new; `dvc repro` takes them in"
    )
    if added.halves:
        typer.echo(f"{added.name}: {added.halves} files have no other half")
    if added.unread_images:
        typer.echo(f"{added.name}: {added.unread_images} images have no place in this layout")
    for sentence in added.left_out:
        typer.echo(f"{added.name}: left out: {sentence}")


@app.command("list")
def list_() -> None:
    """List the sets that were brought in."""
    from ssvif.data.captures import INBOX, list_captures

    sets = list_captures()
    for item in sets:
        halves = f", {item.halves} without other half" if item.halves else ""
        typer.echo(f"{item.name}: {item.pairs} pairs (layout {item.layout}){halves}")
    if not sets:
        typer.echo(f"no sets in {INBOX}; bring one in with `ssvif captures add FOLDER`")
