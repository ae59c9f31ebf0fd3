"""`python -m pipelines.reap`: clears up after what was killed, as `ssvif reap` does."""

from pathlib import Path

import typer
from prefect import flow, get_run_logger, task

from pipelines.server import server_at_hand
from ssvif import console
from ssvif.params import load_params
from ssvif.retraining import reap as reaper


@task(name="reap", task_run_name="end and remove what is dead")
def clear_up() -> reaper.Reaped:
    """Mark dead runs, and remove stale worktrees and unfinished files."""
    return reaper.reap(Path.cwd(), load_params())


@flow(name="reap", flow_run_name="reap", validate_parameters=False)
def reap() -> None:
    """End what is dead: runs, processes, worktrees, unfinished files and models."""
    for sentence in clear_up().sentences or ["nothing is dead here"]:
        get_run_logger().info(sentence)


def main() -> None:
    """End and remove what killed flows left, without waiting for the deployment."""
    with server_at_hand():
        reap()


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
