"""`python -m pipelines.retrain`: new captures in, a better champion out, or nothing changed.

The work is done by DVC stages in a worktree of its own, and by `ssvif.retraining`;
docs/retraining.md tells how it goes.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import typer
from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed, Failed

from pipelines import dvc, steps
from pipelines.approval import ask_person
from pipelines.server import server_at_hand
from pipelines.tasks import run_stage
from ssvif.errors import ChampionMovedError, RetrainingError
from ssvif.retraining.overrides import MODE, SCRATCH, parse_assignments
from ssvif.retraining.record import Outcome
from ssvif.retraining.workspace import Workspace, hold_retraining

_GATE = "gate"
_PAGE = Path("reports/gate/index.html")
_REGATES = 3
_APPROVAL_HOURS = 24.0

Mode = Literal["off", "dry_run", "enforce"]
Result = TypeVar("Result")


class StoppedError(Exception):
    """A task did not end well; its error becomes the flow's, without a trace of this file."""

    def __init__(self, error: object) -> None:
        super().__init__(str(error))
        self.error = error


@flow(name="retrain", flow_run_name="retrain", validate_parameters=False)
def retrain(
    overrides: dict[str, Any] | None = None,
    from_scratch: bool = False,
    mode: Mode | None = None,
    approval: bool = False,
    limit_hours: float | None = None,
    again: bool = False,
) -> "State[Any]":
    """Train a challenger on all captures, compare it with the champion, and promote it if it won.

    Args:
        overrides: Parameters that differ from params.yaml, such as {"stage_two.steps": 100}.
        from_scratch: Do not go on from the champion's weights.
        mode: The gate's mode, if not that of params.yaml: off, dry_run or enforce.
        approval: Ask a person before a challenger that won is promoted.
        limit_hours: End a DVC stage that takes longer; default `retraining.limit_hours`.
        again: Retrain even if the same inputs were retrained on before.
    """
    changes = dict(overrides or {})
    if from_scratch:
        changes[SCRATCH] = "scratch"
    if mode is not None:
        changes[MODE] = mode
    try:
        planned = _result(steps.plan(changes, again, return_state=True))
        if planned.recorded is not None:
            said = f"nothing is new since the retraining {planned.inputs.id}: {planned.recorded}"
            return Completed(message=said)
        hours = limit_hours or planned.params.retraining.limit_hours
        with hold_retraining(Path.cwd(), planned.inputs) as name:
            _call_run(f"{name}: {planned.files} files of captures")
            workspace = _result(steps.prepare(name, planned.inputs, return_state=True))
            outcome = _work(workspace, hours * 3600.0, ask=approval)
            _result(steps.record(workspace, outcome, return_state=True))
            _result(steps.push(workspace, return_state=True))
            _result(steps.clean(workspace, return_state=True))
    except StoppedError as stopped:
        return Failed(message=str(stopped), data=stopped.error)
    return Completed(message=outcome.sentence)


def _work(workspace: Workspace, limit_s: float, *, ask: bool) -> Outcome:
    """Run the stages, and do what the gate decides; again, if the champion moved meanwhile."""
    _result(steps.pin(workspace, return_state=True))
    for stage in dvc.stage_names(workspace.folder):
        _stage(workspace, stage, limit_s)
    for left in reversed(range(_REGATES + 1)):
        try:
            return _decide(workspace, ask=ask)
        except ChampionMovedError as moved:
            if not left:
                raise
            get_run_logger().warning(str(moved))
            _result(steps.pin_anew(workspace, return_state=True))
            _stage(workspace, _GATE, limit_s)
    raise AssertionError  # the loop ends by itself


def _decide(workspace: Workspace, *, ask: bool) -> Outcome:
    decision = _result(steps.read_decision(workspace, return_state=True))
    if ask and decision.promotes:
        page = workspace.folder / _PAGE
        key = f"approval-{decision.champion.version if decision.champion else 0}"
        word = ask_person(decision.sentence, page, wait_s=_APPROVAL_HOURS * 3600.0, key=key)
        if not word.approved:
            said = _result(steps.refuse(workspace, word.by, word.reason, return_state=True))
            return _result(steps.decide(workspace, said, word.by, return_state=True))
        return _result(steps.decide(workspace, by=word.by, return_state=True))
    return _result(steps.decide(workspace, return_state=True))


def _stage(workspace: Workspace, stage: str, limit_s: float) -> None:
    folder, environment = workspace.folder, workspace.environment
    _result(run_stage(stage, limit_s, folder, environment, return_state=True))


def _result(state: "State[Result]") -> Result:
    """Return what a task made; one that failed stops the flow, unless the gate can be run again."""
    if state.is_completed():
        return state.result()
    error = state.result(raise_on_failure=False)
    if isinstance(error, ChampionMovedError):
        raise error
    raise StoppedError(error)


def _call_run(name: str) -> None:
    """Name the flow run after what it is about, once that is known."""
    with get_client(sync_client=True) as client:
        # Tags of tasks would make each of them ask for a place in a queue of that name.
        client.update_flow_run(UUID(flow_run.get_id()), name=name, tags=["ssvif", "retraining"])


app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def main(
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE of params.yaml; repeatable.")
    ] = None,
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Do not go on from the champion.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Decide and tell, but promote nobody.")
    ] = False,
    approve: Annotated[
        bool, typer.Option("--approval", help="Ask a person before a promotion.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Retrain even if nothing is new.")] = False,
    limit_hours: Annotated[
        float | None,
        typer.Option(help="End a DVC stage that takes longer; else retraining.limit_hours."),
    ] = None,
) -> None:
    """Retrain on all captures, in a worktree of its own, and promote the model if it is better."""
    if approve and not PREFECT_API_URL.value():
        raise RetrainingError(
            "a person can only be asked on a Prefect server that lasts: run `prefect server start`"
            " and set PREFECT_API_URL, or start the deployment `retrain`"
        )
    overrides = parse_assignments(assignments or [])
    with server_at_hand():
        state = retrain(
            overrides,
            from_scratch=from_scratch,
            mode="dry_run" if dry_run else None,
            approval=approve,
            limit_hours=limit_hours,
            again=again,
            return_state=True,
        )
        state.result()
    typer.echo(state.message)


if __name__ == "__main__":
    dvc.run_command(app)
