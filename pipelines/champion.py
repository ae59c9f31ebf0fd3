"""The flows `promote`, `rollback` and `status`: who leads, for those who work on Prefect's page.

`ssvif promote`, `ssvif rollback` and `ssvif champion` do the same on the command line.
"""

from pathlib import Path

from prefect import flow, task
from prefect.client.schemas.objects import State
from prefect.states import Completed

from ssvif.cli.places import registry_place
from ssvif.registry import history, promotion
from ssvif.registry import rollback as rolling


@task(name="promote", task_run_name="let version {version} lead")
def lead(version: int, by: str, reason: str, decision: Path | None) -> promotion.Promotion:
    """Let a version lead by force; it is recorded with name and reason."""
    place = registry_place()
    return promotion.promote(version, **place, by=by, reason=reason, decision=decision)


@task(name="rollback", task_run_name="go back")
def go_back(by: str, reason: str, to: int | None) -> promotion.Promotion:
    """Let the version lead again that led before."""
    return rolling.rollback(**registry_place(), by=by, reason=reason, to=to)


@task(name="status", task_run_name="who leads?")
def who_leads() -> history.Standing | None:
    """Look at the registry, and bring the champion at hand in line with it."""
    return history.standing(**registry_place())


@flow(name="promote", flow_run_name="promote version {version} for {by}")
def promote(version: int, by: str, reason: str, decision: Path | None = None) -> "State[None]":
    """Let a version lead by force, whatever the gate said.

    Args:
        version: The version.
        by: Who wants it.
        reason: Why.
        decision: What the gate had decided, to be kept with the event.
    """
    return Completed(message=lead(version, by, reason, decision).sentence)


@flow(name="rollback", flow_run_name="roll back for {by}")
def rollback(by: str, reason: str, to: int | None = None) -> "State[None]":
    """Let the version lead again that led before.

    Args:
        by: Who wants it.
        reason: Why.
        to: The version; by default the previous champion.
    """
    return Completed(message=go_back(by, reason, to).sentence)


@flow(name="status", flow_run_name="status")
def status() -> "State[None]":
    """Say who leads."""
    found = who_leads()
    said = f"{found.name} version {found.version} leads" if found else "nobody leads"
    return Completed(message=said)
