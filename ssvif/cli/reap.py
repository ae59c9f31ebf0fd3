"""`ssvif reap`: clears up after what was killed, and collects what nobody needs any more."""

from pathlib import Path
from typing import Annotated

import typer


def reap(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is there.")] = False,
    gc: Annotated[
        bool, typer.Option("--gc", help="Also delete old versions, and unused files of the cache.")
    ] = False,
    keep: Annotated[
        int, typer.Option(min=1, help="With --gc: how many of the newest versions stay.")
    ] = 20,
) -> None:
    """End and remove what dead processes left: runs, worktrees, unfinished files and models.

    With --gc, what the champion, the previous champion, the challenger, an unfinished retraining,
    a branch or another tag needs stays.
    """
    from ssvif.params import load_params
    from ssvif.retraining.garbage import collect
    from ssvif.retraining.reap import reap as reap_dead

    params, project = load_params(), Path.cwd()
    found = reap_dead(project, params, dry_run=dry_run)
    for sentence in found.sentences or ["nothing is dead here"]:
        typer.echo(sentence)
    if gc:
        typer.echo(collect(project, params, keep=keep, dry_run=dry_run).sentence)
