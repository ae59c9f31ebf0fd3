"""Events of this project on Prefect's bus, which automations and people act on.

`prefect.events.emit_event` hands an event to a thread and says nothing of what becomes of it. An
event that a retraining hangs on is posted instead: when the call returns, the server has it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from prefect.client.orchestration import get_client
from prefect.events import Event
from prefect.runtime import flow_run

from ssvif.retraining import due, inbox
from ssvif.retraining.journal import Entry

if TYPE_CHECKING:
    from ssvif.retraining.monitor import Monitored

ARRIVED = "ssvif.captures.arrived"
REFUSED = "ssvif.captures.refused"
DUE = "ssvif.retraining.due"
DRIFT = "ssvif.drift.found"
MODEL_RESOURCE = "ssvif.model."


def post_event(event: str, resource: str, name: str, payload: Mapping[str, Any]) -> None:
    """Send an event, and return when the server has it.

    Args:
        event: Which of the names above.
        resource: Id of what it is about, such as `ssvif.model.ssvif`.
        name: The same for people.
        payload: What is to be said of it: JSON values.

    Raises:
        httpx.HTTPError: If the server cannot be reached or does not take it.
    """
    about = {"prefect.resource.id": resource, "prefect.resource.name": name}
    # Pydantic makes resources of these mappings.
    content = {"event": event, "resource": about, "payload": dict(payload), "related": _run()}
    body = Event.model_validate(content).model_dump(mode="json")
    with get_client(sync_client=True) as client:
        client.request("POST", "/events", json=[body]).raise_for_status()


def tell_of_delivery(entry: Entry, model: str) -> None:
    """Send the event about a delivery that was ingested or refused, and remember that it was.

    Args:
        entry: The delivery, counted or refused.
        model: Name of the registered model.
    """
    payload = {
        "model": model,
        "delivery": entry.name,
        "set": entry.set_name,
        "accepted": entry.accepted,
        "refused": entry.refused_pairs,
        "reasons": entry.refused,
        "new_pairs": due.new_pairs(),
        "sentence": entry.sentence,
    }
    event = REFUSED if entry.state == "refused" else ARRIVED
    post_event(event, f"ssvif.delivery.{entry.name}", f"delivery {entry.name}", payload)
    inbox.mark_announced(entry)


def announce_retraining(found: due.Due, model: str) -> None:
    """Send the event that starts a retraining, and remember which pairs it is about.

    Args:
        found: What makes it due.
        model: Name of the registered model.
    """
    payload = {
        "new_pairs": found.new_pairs,
        "waiting": found.waiting,
        "threshold": found.threshold,
        "sentence": found.sentence,
    }
    post_event(DUE, model_resource(model), f"model {model}", payload)
    due.mark_due_announced(found)


def tell_of_drift(found: "Monitored", model: str) -> None:
    """Send the event that new captures differ so much that it matters.

    Args:
        found: What was measured.
        model: Name of the registered model.
    """
    payload = {
        "sentence": found.sentence,
        "champion": found.champion,
        "new_pairs": found.new_pairs,
        "page": found.page.as_posix(),
    }
    post_event(DRIFT, model_resource(model), f"model {model}", payload)


def model_resource(model: str) -> str:
    """Return the id that events about a registered model have."""
    return f"{MODEL_RESOURCE}{model}"


def _run() -> list[dict[str, str]]:
    """Return the flow run that an event is sent from, where it is from one."""
    if not flow_run.id:
        return []
    return [
        {
            "prefect.resource.id": f"prefect.flow-run.{flow_run.id}",
            "prefect.resource.role": "flow-run",
            "prefect.resource.name": str(flow_run.name),
        }
    ]
