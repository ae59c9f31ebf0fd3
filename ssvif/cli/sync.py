"""`ssvif sync`: rebuilds MLflow from git and DVC alone."""

from pathlib import Path
from typing import Annotated

import typer


def sync(
    rev: Annotated[str, typer.Option(help="A commit or a tag.")] = "HEAD",
    everything: Annotated[
        bool, typer.Option("--all", help="Every retraining that is recorded, and HEAD.")
    ] = False,
) -> None:
    """Bring back runs, versions and aliases that MLflow lacks, from what git and DVC have kept.

    What MLflow has is left as it is. Needs `dvc.lock` committed, and its files in DVC's cache or
    remote.
    """
    from ssvif.params import load_params
    from ssvif.retraining.sync import recorded_revisions
    from ssvif.retraining.sync import sync as bring_back

    project = Path.cwd()
    revisions = recorded_revisions(project) if everything else [rev]
    done = bring_back(project, revisions, load_params())
    versions = ", ".join(map(str, done.versions)) or "none"
    typer.echo(f"from {len(revisions)} revisions: {done.runs} runs, versions {versions}")
    typer.echo(f"{done.events} events; " + _leader(done.champion))


def _leader(champion: int | None) -> str:
    return "nobody leads" if champion is None else f"version {champion} leads"
