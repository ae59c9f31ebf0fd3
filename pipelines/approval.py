"""A person's word on a decision of the gate: asked for on the flow run's page, and waited for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from prefect import get_run_logger, pause_flow_run
from prefect.client.orchestration import get_client
from prefect.exceptions import FlowPauseTimeout
from prefect.input import RunInput
from prefect.runtime import flow_run
from prefect.states import Running
from pydantic import StringConstraints

_POLL_SECONDS = 5
_TEXT = """**{sentence}**

The report: `{report}`

Press *Submit* with `approve` switched on to let it lead, or off to keep the champion.
"""


class Approval(RunInput):
    """What the person fills in."""

    approve: bool = False
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    reason: str = "no reason given"


@dataclass(frozen=True)
class Word:
    """What was said.

    Args:
        approved: Whether the challenger may lead.
        by: Who said so.
        reason: Why.
    """

    approved: bool
    by: str
    reason: str


def ask_person(sentence: str, report: Path, *, wait_s: float, key: str) -> Word:
    """Pause the flow run until a person decides; nobody's word keeps the champion.

    Args:
        sentence: The gate's decision.
        report: What to look at.
        wait_s: How long is waited.
        key: Tells several questions of one run apart.
    """
    form = Approval.with_initial_data(description=_TEXT.format(sentence=sentence, report=report))
    try:
        found = pause_flow_run(
            wait_for_input=form, timeout=int(wait_s), poll_interval=_POLL_SECONDS, key=key
        )
    except FlowPauseTimeout:
        get_run_logger().warning("nobody decided within %g s: the champion stays", wait_s)
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(str(flow_run.get_id()), Running(), force=True)
        return Word(approved=False, by="nobody", reason=f"no word within {wait_s:g} s")
    return Word(approved=found.approve, by=found.name, reason=found.reason)
