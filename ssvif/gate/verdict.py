"""From single verdicts to the outcome, and its sentence."""

from collections.abc import Sequence

from ssvif.gate.decision import Check, Outcome

# Failures are told in this order; the first is told in full.
_ORDER = ("sanity", "sample", "floor", "size", "latency", "metric", "slice", "probe")
_TOLD = 2


def decide(checks: Sequence[Check], *, champion: str | None) -> tuple[Outcome, str]:
    """Return the outcome and its sentence: one failed check keeps the champion.

    Args:
        checks: All that was looked at.
        champion: What the champion is called, such as `version 3`; None where there is none.
    """
    failed = [check for check in checks if check.passed is False]
    if champion is None:
        return _first(failed)
    lead = next((check for check in checks if check.kind == "superiority"), None)
    if failed:
        return "keep", f"keep {champion}: {_reasons(failed, lead)}"
    gain = "the challenger is fit" if lead is None else f"the challenger {lead.sentence}"
    if lead is not None and lead.passed is None:
        return (
            "promote",
            f"promote over {champion}: {gain}; nothing else tells them apart, and newer wins ties",
        )
    return "promote", f"promote over {champion}: {gain} and loses nothing beyond the margins"


def _first(failed: Sequence[Check]) -> tuple[Outcome, str]:
    if failed:
        return "keep", f"no champion yet, and the challenger may not be one: it {_told(failed)}"
    return "first", "no champion is pinned to compare with; the challenger is fit to be the first"


def _reasons(failed: Sequence[Check], lead: Check | None) -> str:
    others = [check for check in failed if check.kind != "superiority"]
    if lead is None or any(check.kind in ("sample", "sanity") for check in others):
        sample = next((check for check in others if check.kind == "sample"), None)
        if sample is not None and all(check.kind != "sanity" for check in others):
            return sample.sentence
        return f"the challenger {_told(others)}"
    if not others:
        return f"the challenger {lead.sentence}"
    join = " but " if lead.passed else "; it also "
    return f"the challenger {lead.sentence}{join}{_told(others)}"


def _told(failed: Sequence[Check]) -> str:
    ordered = sorted(failed, key=lambda check: (_ORDER.index(check.kind), -_excess(check)))
    told = " and ".join(check.sentence for check in ordered[:_TOLD])
    rest = len(ordered) - _TOLD
    if rest <= 0:
        return told
    return f"{told}, and {rest} further {'check fails' if rest == 1 else 'checks fail'}"


def _excess(check: Check) -> float:
    """Return by how many times a loss is the limit; what is only feared comes after what is."""
    if check.value is None or not check.limit:
        return 0.0
    return check.value / check.limit
