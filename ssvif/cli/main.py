"""The command `ssvif`; each command's imports wait until it is called."""

import os
from typing import Annotated

import typer

from ssvif import __version__, console
from ssvif.cli import captures, golden, track
from ssvif.cli.champion import champion
from ssvif.cli.compare import compare
from ssvif.cli.drift import drift
from ssvif.cli.evaluate import evaluate
from ssvif.cli.export import export
from ssvif.cli.fuse import fuse
from ssvif.cli.history import history
from ssvif.cli.lineage import lineage
from ssvif.cli.promote import promote
from ssvif.cli.reap import reap
from ssvif.cli.rollback import rollback
from ssvif.cli.sample import sample
from ssvif.cli.serve import serve
from ssvif.cli.sync import sync

app = typer.Typer(
    help="Self-supervised visible and infrared image fusion that serves segmentation.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(fuse)
app.command()(serve)
app.command()(export)
app.command()(sample)
app.command()(evaluate)
app.command()(compare)
app.command()(drift)
app.command()(champion)
app.command()(promote)
app.command()(rollback)
app.command()(history)
app.command()(lineage)
app.command()(sync)
app.command()(reap)
app.add_typer(captures.app, name="captures")
app.add_typer(golden.app, name="golden")
app.add_typer(track.app, name="track")


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"ssvif {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option(help="Show tracebacks of refusals.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    if debug:
        os.environ[console.DEBUG_VARIABLE] = "1"


def main() -> None:
    """Run the command line."""
    console.run(_run)


def _run() -> None:
    try:
        app()
    except SystemExit as ended:
        # typer ends an interrupted command without a word; the console has one.
        if ended.code == console.EXIT_INTERRUPTED:
            raise KeyboardInterrupt from None
        raise
