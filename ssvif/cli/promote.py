"""`ssvif promote`: lets a version lead, by the gate's decision or by force."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def promote(
    version: Annotated[str, typer.Argument(help="Number of a version, or `challenger`.")],
    decision: Annotated[
        Path | None, typer.Option(help="The gate's decision.json, or its folder.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Whatever the gate said.")] = False,
    by: Annotated[str, typer.Option(help="Who wants it; needed with --force.")] = "",
    reason: Annotated[str, typer.Option(help="Why; needed with --force.")] = "",
) -> None:
    """Let a version lead: if the gate decided so, or by force, with a name and a reason.

    The champion that leaves becomes `previous`; `ssvif rollback` brings it back.
    """
    from ssvif.cli.places import registry_place
    from ssvif.errors import RegistryError
    from ssvif.registry.promotion import apply_decision
    from ssvif.registry.promotion import promote as promote_by_force

    number = version_number(version)
    if force:
        done = promote_by_force(number, **registry_place(), by=by, reason=reason, decision=decision)
    elif decision is None:
        raise RegistryError(
            "a promotion needs the gate's word (--decision reports/gate) or force "
            "(--force --by NAME --reason TEXT)"
        )
    else:
        done = apply_decision(decision, bundle=number, **registry_place(), by=by or "gate")
    typer.echo(done.sentence)


def version_number(text: str) -> int | Literal["challenger"]:
    """Read a version's number, or `challenger`.

    Raises:
        RegistryError: If it is neither.
    """
    from ssvif.errors import RegistryError

    if text == "challenger":
        return "challenger"
    if not text.isdecimal():
        raise RegistryError(f"{text}: expected the number of a version, or challenger")
    return int(text)
