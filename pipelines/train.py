"""`python -m pipelines.train`: the DVC pipeline as a Prefect flow.

It makes what `dvc repro` makes; what it adds is a view of each stage, its log and the scores.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from pipelines.dvc import StageFailedError, reproduce, stage_names
from ssvif.console import EXIT_REFUSED

SUMMARY = Path("reports/evaluate/summary.md")
_HOURS = 6.0
_RETRY_SECONDS = 10.0  # a server that starts again has answered by then


def _may_pass_next_time(_task: "Task[..., Any]", _run: TaskRun, state: "State[Any]") -> bool:
    """Whether a failure is worth a second try; training goes on from its checkpoint."""
    error = state.result(raise_on_failure=False)
    return not (isinstance(error, StageFailedError) and error.refused)


@task(
    task_run_name="{stage}",
    retries=1,
    retry_delay_seconds=_RETRY_SECONDS,
    retry_condition_fn=_may_pass_next_time,
)
def run_stage(stage: str, limit_s: float) -> None:
    """Bring one DVC stage up to date."""
    reproduce(stage, log=get_run_logger().info, limit_s=limit_s)


@flow(name="train", validate_parameters=False)
def train(limit_hours: float = _HOURS) -> "State[None] | None":
    """Run every DVC stage in turn, and show the scores.

    Args:
        limit_hours: A stage that takes longer is ended.

    Returns:
        The state of a stage that failed, which becomes the flow's, without a trace of this file
        in the log; those after it do not run.
    """
    for stage in stage_names():
        state = run_stage(stage, limit_hours * 3600.0, return_state=True)
        if not state.is_completed():
            return state
    if SUMMARY.is_file():
        create_markdown_artifact(SUMMARY.read_text(encoding="utf-8"), key="evaluation")
    return None


def main(
    limit_hours: Annotated[float, typer.Option(help="End a stage that takes longer.")] = _HOURS,
) -> None:
    """Run the pipeline as a Prefect flow; the outputs are those of `dvc repro`."""
    try:
        train(limit_hours)
    except StageFailedError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(EXIT_REFUSED if error.refused else 1)


if __name__ == "__main__":
    typer.run(main)
