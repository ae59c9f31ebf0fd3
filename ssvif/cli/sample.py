"""`ssvif sample`: renders synthetic pairs to look at or to train on."""

from pathlib import Path
from typing import Annotated

import typer


def sample(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to make.")] = Path("sample"),
    pairs: Annotated[int, typer.Option(min=1, help="How many pairs.")] = 48,
    height: Annotated[int, typer.Option(min=64, help="Pixels.")] = 240,
    width: Annotated[int, typer.Option(min=64, help="Pixels.")] = 320,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal files.")] = 0,
) -> None:
    """Render street scenes as a visible and an infrared camera see them, with labels.

    48 pairs show every light and weather once: day, dusk and night; clear, glare, fog, smoke.
    """
    from ssvif.data.synthetic import write_sample

    write_sample(out, pairs=pairs, height=height, width=width, seed=seed)
    typer.echo(f"rendered {pairs} pairs of {width}x{height} to {out}")
