"""The tasks of a retraining beside its DVC stages; each calls one function of the library."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.artifacts import create_image_artifact
from prefect.cache_policies import NO_CACHE

from pipelines.tasks import IF_TRANSIENT, show
from ssvif.errors import RetrainingError
from ssvif.gate.decision import DECISION, Decision
from ssvif.retraining import record as records
from ssvif.retraining import steps
from ssvif.retraining.identity import Inputs
from ssvif.retraining.record import Outcome
from ssvif.retraining.workspace import Workspace, take_up

_EVALUATION = Path("reports/evaluate/summary.md")
_GATE = Path("reports/gate")


@task(
    name="plan",
    task_run_name="plan the retraining",
    description="Check parameters, commit, champion and captures before anything long starts.",
    retries=2,
    **IF_TRANSIENT,
)
def plan(overrides: Mapping[str, Any], again: bool) -> steps.Plan:
    """Check all that can be checked, and name the retraining."""
    return steps.plan(Path.cwd(), overrides, again=again)


@task(
    name="prepare",
    task_run_name="prepare the worktree .retrain/{name}",
    description="Check the commit out, link the captures, restore what is ingested.",
)
def prepare(name: str, inputs: Inputs) -> Workspace:
    """Bring the workspace up to its beginning, or to where it was left."""
    workspace = take_up(Path.cwd(), name, inputs)
    word = "goes on in" if workspace.resumed else "works in"
    get_run_logger().info("the retraining %s %s %s", name, word, workspace.folder)
    return workspace


@task(
    name="pin",
    task_run_name="pin the champion",
    description="Put the champion's bundle and hashes where training and gate find them.",
    retries=2,
    **IF_TRANSIENT,
)
def pin(workspace: Workspace) -> None:
    """Pin what training starts from, and what the challenger is compared with."""
    get_run_logger().info(steps.pin(workspace))


@task(
    name="pin anew",
    task_run_name="pin the champion anew",
    description="Another version was promoted meanwhile: compare with that one.",
    cache_policy=NO_CACHE,
    retries=2,
    **IF_TRANSIENT,
)
def pin_anew(workspace: Workspace) -> None:
    """Pin the version that leads now as the one to compare with."""
    get_run_logger().info(steps.pin_anew(workspace))


@task(
    name="read the decision",
    task_run_name="read the gate's decision",
    description="Show evaluation, decision and picture on the flow run's page.",
    cache_policy=NO_CACHE,
)
def read_decision(workspace: Workspace) -> Decision:
    """Read what the gate decided, and show it."""
    decision = steps.read_outcome(workspace)
    get_run_logger().info("the gate: %s", decision.sentence)
    folder = workspace.folder
    show(folder / _EVALUATION, key="evaluation", description="Mean scores on held-out pairs.")
    show(folder / _GATE / "summary.md", key="gate", description=decision.sentence)
    picture = folder / _GATE / "picture.png"
    if picture.is_file():
        content = base64.b64encode(picture.read_bytes()).decode("ascii")
        url = f"data:image/png;base64,{content}"
        create_image_artifact(url, key="gate-picture", description=decision.sentence)
    return decision


@task(
    name="decide",
    task_run_name="do what was decided",
    description="Promote the challenger, or record that the champion stays.",
    cache_policy=NO_CACHE,
    retries=2,
    **IF_TRANSIENT,
)
def decide(workspace: Workspace, decision: Path = DECISION, by: str = "gate") -> Outcome:
    """Apply a decision in the registry, alone on this machine."""
    outcome = steps.decide(workspace, decision=decision, by=by)
    get_run_logger().info(outcome.sentence)
    return outcome


@task(
    name="refuse",
    task_run_name="note that {by} keeps the champion",
    description="A person was asked, and did not let the challenger lead.",
)
def refuse(workspace: Workspace, by: str, reason: str) -> Path:
    """Write down a person's refusal, and return where."""
    return steps.refuse(workspace, by=by, reason=reason)


@task(
    name="record",
    task_run_name="record as tag retrain/{workspace.id}",
    description="Commit dvc.lock, parameters and pins in the worktree, and tag them.",
)
def record(workspace: Workspace, outcome: Outcome) -> None:
    """Keep in git what the retraining was."""
    get_run_logger().info("recorded as the tag %s", records.record(workspace, outcome))


@task(
    name="push",
    task_run_name="copy to the DVC remote",
    description="A remote that fails is told of, and takes nothing back.",
)
def push(workspace: Workspace) -> None:
    """Copy what was made to DVC's remote, where one is configured."""
    try:
        remote = records.push(workspace)
    except RetrainingError as error:
        get_run_logger().warning(str(error))
    else:
        get_run_logger().info(f"copied to {remote}" if remote else "no DVC remote is configured")


@task(
    name="clean",
    task_run_name="remove the worktree",
    description="What it made is recorded and registered.",
)
def clean(workspace: Workspace) -> None:
    """Remove the worktree and what is written down beside it."""
    workspace.close()
