"""`python -m pipelines.ingest`: takes in what was delivered, and says whether a retraining is due.

A delivery becomes pairs by the DVC stage `ingest`; this flow brings it to where that stage looks
and tells what came of it. It may be run at any time, and as often as one likes.
"""

from pathlib import Path
from typing import Annotated

import typer
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.settings import PREFECT_API_URL

from pipelines import dvc, events
from pipelines.dvc import StageFailedError
from pipelines.server import server_at_hand
from pipelines.tasks import run_stage
from ssvif.params import Params, load_params
from ssvif.retraining import due, inbox
from ssvif.retraining.journal import Entry
from ssvif.retraining.remote import fetch_deliveries, is_remote, local_drop
from ssvif.retraining.summary import deliveries_markdown

# Somebody else's `dvc` in the same folder keeps it busy for as long as a stage takes.
_BUSY_S = (10.0, 30.0, 60.0, 120.0, 300.0)

make = run_stage.with_options(
    task_run_name="DVC stage {stage}", retries=len(_BUSY_S), retry_delay_seconds=list(_BUSY_S)
)


@task(task_run_name="fetch from the bucket", retries=2, retry_delay_seconds=10.0)
def fetch(place: str, params: Params) -> list[str]:
    """Copy complete deliveries from a bucket to the local drop folder."""
    return fetch_deliveries(place, quiet_seconds=params.retraining.quiet_seconds)


@task(task_run_name="take in complete deliveries")
def take_in(drop: Path, params: Params) -> list[Entry]:
    """Bring complete deliveries into the inbox."""
    return inbox.take_in(drop, params.retraining.quiet_seconds, params=params.ingest)


@task(task_run_name="count accepted and refused pairs")
def count_pairs(taken: list[Entry], verdict: str) -> list[Entry]:
    """Count what became of the pairs of each delivery."""
    return inbox.count_pairs(taken, verdict=verdict)


@task(task_run_name="tell of {entry.name}", retries=3, retry_delay_seconds=5.0)
def tell_of_delivery(entry: Entry, model: str) -> None:
    """Send the event about a delivery."""
    events.tell_of_delivery(entry, model)


@task(task_run_name="is a retraining due?")
def is_due(params: Params) -> due.Due:
    """Compare the pairs that wait with the threshold."""
    return due.is_due(params.retraining)


@task(task_run_name="announce the retraining", retries=3, retry_delay_seconds=5.0)
def announce(found: due.Due, model: str) -> None:
    """Send the event that starts a retraining."""
    events.announce_retraining(found, model)


@flow(name="ingest", flow_run_name="{reason}", validate_parameters=False)
def ingest(drop: str = "", reason: str = "started by hand", tells: bool = True) -> None:
    """Take in complete deliveries, make pairs of them, and announce a retraining that is due.

    Args:
        drop: The drop folder, or s3://BUCKET/PREFIX; by default `retraining.drop` of params.yaml.
        reason: Why it is run, for people.
        tells: Whether to send events; where not, the next run does that tells.
    """
    logger = get_run_logger()
    log = logger.info
    log("Deliveries are looked for: %s.", reason)
    params = load_params()
    place = drop or params.retraining.drop
    if is_remote(place):
        fetch(place, params)
    take_in(local_drop(place), params)
    taken = inbox.uncounted()
    entries = count_pairs(taken, _make_pairs(taken, params) if taken else "")
    for entry in entries:
        tell = logger.warning if entry.state == "refused" or entry.refused_pairs else log
        tell("%s: %s.", entry.name, entry.sentence)
    found = is_due(params)
    log("Is a retraining due? %s.", found.sentence)
    if tells:
        for entry in entries:
            tell_of_delivery(entry, params.register_.name)
        if found.is_due:
            announce(found, params.register_.name)
    elif found.is_due:
        log("due: run `python -m pipelines.retrain`, unless a deployment runs: it finds out itself")
    create_markdown_artifact(
        deliveries_markdown(entries, found),
        key="deliveries",
        description="What became of deliveries",
    )


def _make_pairs(taken: list[Entry], params: Params) -> str:
    """Run the stages; that not one pair is accepted is for those who delivered, and returned."""
    limit_s = params.retraining.limit_hours * 3600.0
    make("sample", limit_s)
    try:
        make("ingest", limit_s)
        if missed := inbox.missed(taken):
            # Somebody else's `dvc repro` was reading when they came, and recorded them as read.
            names = ", ".join(entry.name for entry in missed)
            get_run_logger().info("Came while others were ingested, now once more: %s.", names)
            make("ingest", limit_s, force=True)
    except StageFailedError as error:
        if verdict := inbox.verdict_of(str(error)):
            return verdict
        raise
    return ""


def main(
    drop: Annotated[str, typer.Option(help="Drop folder, or s3://BUCKET/PREFIX.")] = "",
) -> None:
    """Take in what was delivered, without waiting for the deployment."""
    # Nobody listens on a server that ends with this run.
    lasts = bool(PREFECT_API_URL.value())
    with server_at_hand():
        ingest(drop, tells=lasts)


if __name__ == "__main__":
    dvc.run_command(lambda: typer.run(main))
