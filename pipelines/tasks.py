"""Tasks that several flows share."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypedDict

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from pipelines.dvc import StageFailedError, reproduce
from ssvif.errors import ServiceError


def may_pass_next_time(_task: "Task[..., Any]", _run: TaskRun, state: "State[Any]") -> bool:
    """Whether a failure is worth a second try; training goes on from its checkpoint."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, StageFailedError | ServiceError) and error.transient


class _Retrying(TypedDict):
    retry_delay_seconds: float
    retry_condition_fn: Callable[["Task[..., Any]", TaskRun, "State[Any]"], bool]


# Options of a task beside its `retries`.
IF_TRANSIENT: Final[_Retrying] = {
    "retry_delay_seconds": 10.0,  # a server that starts again has answered by then
    "retry_condition_fn": may_pass_next_time,
}


@task(
    task_run_name="{stage}",
    description="Bring one DVC stage up to date; what has not changed is not run again.",
    # Where results are kept by default, the gate would not be run again in the same flow.
    cache_policy=NO_CACHE,
    retries=1,
    **IF_TRANSIENT,
)
def run_stage(
    stage: str,
    limit_s: float,
    folder: Path = Path(),
    environment: Mapping[str, str] | None = None,
    force: bool = False,
) -> None:
    """Bring one DVC stage up to date."""
    log = get_run_logger().info
    reproduce(stage, log=log, limit_s=limit_s, folder=folder, environment=environment, force=force)


def show(path: Path, *, key: str, description: str) -> None:
    """Show a Markdown file on the flow run's page, where it was written."""
    if path.is_file():
        text = path.read_text(encoding="utf-8")
        create_markdown_artifact(text, key=key, description=description)
