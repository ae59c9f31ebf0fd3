"""`python -m pipelines.monitor`: how far new captures are from what the champion learnt."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact

from pipelines import events
from pipelines.server import server_at_hand
from ssvif import console
from ssvif.params import load_params
from ssvif.retraining.summary import drift_markdown

if TYPE_CHECKING:
    from ssvif.retraining.monitor import Monitored


@task(task_run_name="compare new captures with the champion's")
def compare() -> "Monitored":
    """Measure the drift, and write its page."""
    # Here, lest the process that serves all flows carries torch.
    from ssvif.retraining.monitor import monitor as measure

    return measure(now=datetime.now(UTC))


@task(task_run_name="tell of the drift", retries=3, retry_delay_seconds=5.0)
def tell_of_drift(found: "Monitored", model: str) -> None:
    """Send the event that captures have drifted."""
    events.tell_of_drift(found, model)


@flow(name="monitor", flow_run_name="compare new captures with the champion's")
def monitor() -> None:
    """Compare new captures with those the champion learnt from, and tell if it matters."""
    found = compare()
    get_run_logger().info(found.sentence)
    create_markdown_artifact(drift_markdown(found), key="drift", description=found.sentence)
    if found.matters:
        tell_of_drift(found, load_params().register_.name)


def main() -> None:
    """Measure the drift now, without waiting for the deployment."""
    with server_at_hand():
        monitor()


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
