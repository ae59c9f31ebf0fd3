"""`python -m pipelines.train`: the DVC pipeline as a Prefect flow.

It makes what `dvc repro` makes; what it adds is a view of each stage, its log and the scores.
"""

from pathlib import Path
from typing import Annotated

import typer
from prefect import flow
from prefect.client.schemas.objects import State

from pipelines import dvc
from pipelines.server import server_at_hand
from pipelines.tasks import run_stage, show

SUMMARY = Path("reports/evaluate/summary.md")
_HOURS = 6.0


@flow(name="train", validate_parameters=False)
def train(limit_hours: float = _HOURS) -> "State[None] | None":
    """Run every DVC stage in turn, and show the scores.

    Args:
        limit_hours: A stage that takes longer is ended.

    Returns:
        The state of a stage that failed, which becomes the flow's, without a trace of this file
        in the log; those after it do not run.
    """
    for stage in dvc.stage_names():
        state = run_stage(stage, limit_hours * 3600.0, return_state=True)
        if not state.is_completed():
            return state
    show(SUMMARY, key="evaluation", description="Mean scores of the model and what it is beside.")
    return None


def main(
    limit_hours: Annotated[float, typer.Option(help="End a stage that takes longer.")] = _HOURS,
) -> None:
    """Run the pipeline as a Prefect flow; the outputs are those of `dvc repro`."""
    dvc.stage_names()  # what is no project is refused before a server starts
    with server_at_hand():
        train(limit_hours)


if __name__ == "__main__":
    dvc.run_command(lambda: typer.run(main))
