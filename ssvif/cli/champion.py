"""`ssvif champion`: who leads."""

import json
from typing import Annotated

import typer


def champion(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Show the model in use: since when, why, how good, and where it lies.

    models/champion/ is brought in line with the registry, if it is not.
    """
    from ssvif.cli.places import registry_place
    from ssvif.registry.history import standing

    found = standing(**registry_place())
    if as_json:
        typer.echo(json.dumps(found and found.as_dict(), indent=2))
        return
    if found is None:
        typer.echo("nobody leads; train a model with `make repro`")
        return
    since = f"since {found.since}" if found.since else "since it was given the alias by hand"
    typer.echo(f"{found.name} version {found.version} leads {since}")
    if found.reason:
        typer.echo(f"  why         {found.by}: {found.reason}")
    scores = "  ".join(f"{name} {value:.3f}" for name, value in found.scores.items())
    typer.echo(f"  scores      {scores}")
    typer.echo(f"  at hand     {found.folder}/, weights {found.weights[:12]}")
    for role, version in (("previous", found.previous), ("challenger", found.challenger)):
        told = "none" if version is None else f"version {version}"
        if role == "previous" and found.previous_rolled_back:
            told += f", rolled back {found.previous_rolled_back}"
        typer.echo(f"  {role:<11} {'the champion itself' if version == found.version else told}")
