"""What `prefect.yaml` deploys, for a process that serves it on this machine.

One table for both ways of deploying: `prefect deploy --all` reads it for work pools elsewhere.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import ConcurrencyLimitConfig, StateType
from prefect.deployments.runner import RunnerDeployment
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.deployment_triggers import DeploymentEventTrigger
from prefect.events.schemas.events import ResourceSpecification
from prefect.flows import load_flow_from_entrypoint
from prefect.schedules import Cron, Schedule
from prefect.types.entrypoint import EntrypointType

from pipelines.events import MODEL_RESOURCE, model_resource
from ssvif.errors import RetrainingError

PREFECT_FILE = Path("prefect.yaml")
TAG = "ssvif"
ZOMBIES = "ssvif: mark runs that went silent as crashed"

# A flow run sends a heartbeat every so many seconds; after some missed ones it is dead.
HEARTBEAT_S = 30
_SILENT = timedelta(seconds=120)
_HEARTBEAT = "prefect.flow-run.heartbeat"
_ENDS = ("Completed", "Failed", "TimedOut", "Crashed", "Cancelled", "Paused", "Suspended")


def read_deployments(model: str, path: Path = PREFECT_FILE) -> list[RunnerDeployment]:
    """Read the deployments.

    Args:
        model: Name of the registered model, which events are about.
        path: The file.

    Raises:
        RetrainingError: If the file is not there, or waits for events about another model.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))["deployments"]
    except FileNotFoundError:
        raise RetrainingError(f"{path}: no such file; run this in the project's folder") from None
    for entry in entries:
        _require_own_events(entry, model, path)
    return [_deployment(entry) for entry in entries]


def end_silent_runs() -> None:
    """Have the server mark flow runs that send no heartbeat any more as crashed.

    Where such an automation is already, it is replaced if it differs, and else left alone: with
    each change the server forgets which runs it waits for.
    """
    about = ResourceSpecification.model_validate({"prefect.resource.id": "prefect.flow-run.*"})
    ours = ResourceSpecification.model_validate({"prefect.resource.id": f"prefect.tag.{TAG}"})
    trigger = EventTrigger(
        match=about,
        match_related=ours,
        for_each={"prefect.resource.id"},
        after={_HEARTBEAT},
        expect={_HEARTBEAT, *(f"prefect.flow-run.{state}" for state in _ENDS)},
        posture=Posture.Proactive,
        threshold=1,
        within=_SILENT,
    )
    message = f"No sign of life for {_SILENT.total_seconds():.0f} s: its process is gone."
    crash = ChangeFlowRunState(name=None, state=StateType.CRASHED, message=message, force=False)
    automation = AutomationCore(
        name=ZOMBIES,
        description="A run whose process was killed, or whose machine went down, is not running.",
        tags=[TAG],
        trigger=trigger,
        actions=[crash],
    )
    with get_client(sync_client=True) as client:
        known = client.read_automations_by_name(ZOMBIES)
        for found in known:
            if _content(found) != _content(automation):
                client.update_automation(found.id, automation)
        if not known:
            client.create_automation(automation)


def _content(automation: AutomationCore) -> dict[str, Any]:
    """What an automation does, without the numbers that the server gives."""
    fields = set(AutomationCore.model_fields) - {"owner_resource", "enabled"}
    return automation.model_dump(include=fields, exclude={"trigger": {"id"}})


def _deployment(entry: Mapping[str, Any]) -> RunnerDeployment:
    limit = entry.get("concurrency_limit")
    return RunnerDeployment.from_flow(
        load_flow_from_entrypoint(entry["entrypoint"]),
        name=entry["name"],
        description=entry["description"],
        tags=entry["tags"],
        parameters=entry.get("parameters"),
        schedules=_schedules(entry.get("schedules", [])),
        triggers=[DeploymentEventTrigger.model_validate(it) for it in entry.get("triggers", [])],
        concurrency_limit=ConcurrencyLimitConfig.model_validate(limit) if limit else None,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


def _schedules(entries: Sequence[Mapping[str, Any]]) -> list[Schedule]:
    return [Cron(entry["cron"], timezone=entry.get("timezone", "UTC")) for entry in entries]


def _require_own_events(entry: Mapping[str, Any], model: str, path: Path) -> None:
    for trigger in entry.get("triggers", []):
        # A trigger of one's own may be about anything else.
        found = str(trigger.get("match", {}).get("prefect.resource.id", ""))
        if found.startswith(MODEL_RESOURCE) and found != model_resource(model):
            raise RetrainingError(
                f"{path}: {entry['name']} waits for events about {found}, but register.name in "
                f"params.yaml makes them {model_resource(model)}; write that into {path}"
            )
