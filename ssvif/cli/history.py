"""`ssvif history`: what happened to the champion."""

import json
from typing import Annotated

import typer


def history(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """List promotions, refusals and rollbacks, the newest first."""
    from ssvif.cli.places import registry_place
    from ssvif.registry.history import history as read_history

    place = registry_place()
    events = read_history(name=place["name"], experiment=place["experiment"])
    if as_json:
        typer.echo(json.dumps([event.model_dump() for event in events], indent=2))
        return
    for event in events:
        typer.echo(f"{event.time}  {event.sentence}")
        typer.echo(f"{'':21}{event.by}: {event.reason}")
    if not events:
        typer.echo("nothing has happened yet; train a model with `make repro`")
