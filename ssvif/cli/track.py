"""`ssvif track push`: completes MLflow from the run records on disk."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Run records and MLflow.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Run records and MLflow."""


@app.command()
def push(
    runs: Annotated[Path, typer.Option(help="Folder of run records.")] = Path("runs"),
) -> None:
    """Push the run records that MLflow does not have yet."""
    from ssvif.params import load_params
    from ssvif.tracking.push import push_records
    from ssvif.tracking.store import shown_uri

    pushed = push_records(runs, experiment=load_params().tracking.experiment)
    if pushed:
        typer.echo(f"pushed to {shown_uri()}: {', '.join(pushed)}")
    else:
        typer.echo(f"{shown_uri()} has every record under {runs}/ already")
