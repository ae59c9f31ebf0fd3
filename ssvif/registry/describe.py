"""What versions and the model say of themselves on MLflow's pages: tags, and texts in Markdown."""

from collections.abc import Mapping

from ssvif.gate.decision import Decision
from ssvif.registry.events import Event

ROLLED_BACK_TAG = "ssvif.rolled_back"
LED_SINCE_TAG = "ssvif.led_since"
LED_UNTIL_TAG = "ssvif.led_until"
PROMOTED_BY_TAG = "ssvif.promoted_by"
REASON_TAG = "ssvif.promotion_reason"
RETRAINING_TAG = "ssvif.retraining"
COMMIT_TAG = "ssvif.git_commit"
DECISION_TAG = "ssvif.decision"
SENTENCE_TAG = "ssvif.decision_sentence"
_CHECKS_TAG = "ssvif.gate.checks"

_MODEL = """Visible/infrared image fusion, trained without labels.

**Version {version} leads** since {time} UTC. {sentence}. By {by}: {reason}

- alias `champion`: the model in use; `challenger`: the newest one; `previous`: where
  `ssvif rollback` goes back to
- fuse with it: `ssvif fuse VIS IR -o OUT --model models:/{name}@champion`
- what happened so far: `ssvif history`, or the experiment's runs with the tag `ssvif.event`
- what a version was made from: `ssvif lineage VERSION`
"""


def champion_tags(event: Event) -> dict[str, str | None]:
    """Return the tags of a version that leads from an event on."""
    return {
        LED_SINCE_TAG: f"{event.time} UTC",
        LED_UNTIL_TAG: None,
        PROMOTED_BY_TAG: event.by,
        REASON_TAG: event.reason,
        **({RETRAINING_TAG: event.retraining} if event.retraining else {}),
    }


def leads_by_hand(tags: Mapping[str, str]) -> bool:
    """Whether the champion, by its tags, leads by an alias that somebody moved by hand."""
    return LED_SINCE_TAG not in tags or LED_UNTIL_TAG in tags


def decision_tags(
    decision: Decision, *, retraining: str | None, commit: str | None
) -> dict[str, str | None]:
    """Return the tags of a version that the gate has judged."""
    judged = [check for check in decision.checks if check.passed is not None]
    passed = sum(check.passed is True for check in judged)
    primary = {
        f"ssvif.gate.{check.kind}": check.sentence
        for check in decision.checks
        if check.kind == "superiority"
    }
    return {
        DECISION_TAG: f"{decision.outcome} ({decision.mode})",
        SENTENCE_TAG: decision.sentence,
        _CHECKS_TAG: f"{passed} of {len(judged)} passed",
        **primary,
        **({RETRAINING_TAG: retraining} if retraining else {}),
        **({COMMIT_TAG: commit} if commit else {}),
    }


def version_text(tags: Mapping[str, str]) -> str:
    """Describe a version by its tags.

    MLflow's list of versions shows the first words as they are, so there is no Markdown in them.
    """
    lines = []
    if LED_SINCE_TAG in tags:
        until = f" until {tags[LED_UNTIL_TAG]}" if LED_UNTIL_TAG in tags else ""
        verb = "Led" if until else "Leads"
        lines.append(f"{verb} from {tags[LED_SINCE_TAG]}{until}")
        lines.append(f"By {tags[PROMOTED_BY_TAG]}: {tags[REASON_TAG]}")
    if ROLLED_BACK_TAG in tags:
        lines.append(f"Rolled back {tags[ROLLED_BACK_TAG]}")
    if SENTENCE_TAG in tags:
        lines.append(f"The gate ({tags.get(_CHECKS_TAG, 'no checks')}): {tags[SENTENCE_TAG]}")
    if RETRAINING_TAG in tags:
        lines.append(f"From the retraining `{tags[RETRAINING_TAG]}`.")
    return "\n\n".join(lines)


def model_text(event: Event) -> str:
    """Describe the registered model, whose champion an event has changed."""
    return _MODEL.format(
        version=event.version,
        time=event.time,
        sentence=event.sentence,
        by=event.by,
        reason=event.reason,
        name=event.model,
    )
