"""A decision as Markdown, and the words that the page shares with it."""

from ssvif.evaluation.summary import pipe_table
from ssvif.gate.decision import Check, Decision

VERDICTS = {True: "passed", False: "**failed**", None: "not judged"}


def markdown(decision: Decision) -> str:
    """Return a decision as one Markdown page."""
    facts = [f"mode {decision.mode}"]
    if decision.champion is not None:
        facts.append(f"champion {decision.champion.name} version {decision.champion.version}")
    if "all" in decision.samples:
        sample = decision.samples["all"]
        facts.append(f"{sample.pairs} held-out pairs of {sample.blocks} blocks")
    parts = [f"# {opened(decision.sentence)}", ", ".join(facts) + "."]
    parts += [f"{opened(note)}." for note in decision.notes]
    if decision.checks:
        rows = [check_row(check) for check in decision.checks]
        header = ["check", "verdict", "found", "limit", "interval", "the challenger"]
        parts.append(pipe_table(header, rows, align=":---"))
    return "\n\n".join(parts) + "\n"


def check_row(check: Check) -> list[str]:
    """Return the cells of a check's row."""
    interval = "" if check.low is None else f"{figure(check.low)} to {figure(check.high)}"
    return [
        check.name,
        VERDICTS[check.passed],
        figure(check.value),
        figure(check.limit),
        interval,
        check.sentence,
    ]


def figure(value: float | None) -> str:
    """Return a number with three figures, or nothing."""
    return "" if value is None else f"{value:.3g}"


def opened(sentence: str) -> str:
    """Return a sentence with a capital."""
    return sentence[:1].upper() + sentence[1:]
