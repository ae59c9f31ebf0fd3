"""`ssvif rollback`: back to the champion that led before."""

import getpass
from typing import Annotated

import typer


def rollback(
    reason: Annotated[str, typer.Option(help="Why; it is kept in the history.")],
    to: Annotated[int | None, typer.Option(help="A version; else the one that led before.")] = None,
    by: Annotated[str | None, typer.Option(help="Who wants it; else the user's name.")] = None,
) -> None:
    """Let the version lead again that led before; the next `ssvif fuse` uses it."""
    from ssvif.cli.places import registry_place
    from ssvif.registry.rollback import rollback as roll_back

    done = roll_back(**registry_place(), by=by or getpass.getuser(), reason=reason, to=to)
    typer.echo(done.sentence)
