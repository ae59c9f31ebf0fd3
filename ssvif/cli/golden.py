"""`ssvif golden freeze`: sets the present test pairs aside for good."""

from typing import Annotated

import typer

app = typer.Typer(help="The frozen golden set that the gate compares on.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The frozen golden set that the gate compares on."""


@app.command()
def freeze(
    replace: Annotated[
        bool, typer.Option("--replace", help="Give an earlier golden set up.")
    ] = False,
) -> None:
    """Copy the test pairs and their labels to data/golden/, and their hash to data/golden.json."""
    from ssvif.evaluation.pairs import project_pairs
    from ssvif.gate.golden import GOLDEN, GOLDEN_FILE, freeze_golden

    frozen = freeze_golden(project_pairs(), replace=replace)
    typer.echo(f"{frozen.pairs} pairs are in {GOLDEN}/, hash {frozen.hash[:16]}")
    typer.echo(f"commit {GOLDEN_FILE}, and keep a copy of {GOLDEN}/: git and DVC do not")
