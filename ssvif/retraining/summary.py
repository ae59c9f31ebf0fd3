"""What the flows found, as Markdown for people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ssvif.retraining.due import Due
from ssvif.retraining.journal import Entry

if TYPE_CHECKING:
    from ssvif.drift.measure import Finding
    from ssvif.fuse.files import Fused
    from ssvif.retraining.monitor import Monitored


def deliveries_markdown(entries: Sequence[Entry], due: Due) -> str:
    """Return a table of deliveries, and whether a retraining is due.

    Args:
        entries: Of the journal.
        due: What came of asking.
    """
    rows = [(entry.name, entry.set_name, entry.sentence) for entry in entries]
    head = ("delivery", "set", "what became of it")
    what = _table(head, rows) if rows else "Nothing new was delivered.\n"
    return f"{what}\n{due.sentence[0].upper()}{due.sentence[1:]}.\n"


def drift_markdown(found: "Monitored") -> str:
    """Return what a measurement of drift found: a sentence, and a row for each measure.

    Args:
        found: What came of it.
    """
    rows = [_finding(finding) for finding in found.drift.findings]
    head = ("captures", "measure", "stability index", "p", "matters")
    return f"{found.sentence}\n\n{_table(head, rows)}\nThe whole page: `{found.page}`\n"


def fused_markdown(done: "Fused") -> str:
    """Return what became of a delivery that was fused: a sentence, and why any pair failed.

    Args:
        done: What came of it.
    """
    rows = [(path.as_posix(), reason) for path, reason in sorted(done.failed.items())]
    table = _table(("not fused", "reason"), rows) if rows else ""
    return f"{done.sentence[0].upper()}{done.sentence[1:]}.\n\n{table}".rstrip() + "\n"


def _finding(finding: "Finding") -> tuple[str, ...]:
    group = finding.group or "all new"
    if not finding.judged:
        return group, finding.measure, "", "", f"not judged: {finding.reason}"
    index, pvalue = f"{finding.index:.2f}", f"{finding.pvalue:.3f}"
    return group, finding.measure, index, pvalue, "yes" if finding.matters else "no"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([_cell(text) for text in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
