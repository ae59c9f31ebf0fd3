"""What became of deliveries, as Markdown for people."""

from collections.abc import Sequence

from ssvif.retraining.due import Due
from ssvif.retraining.journal import Entry

_NONE = "Nothing new was delivered.\n"


def markdown(entries: Sequence[Entry], due: Due) -> str:
    """Return a table of deliveries, and whether a retraining is due.

    Args:
        entries: Of the journal.
        due: What came of asking.
    """
    head = "| delivery | set | what became of it |\n|---|---|---|\n"
    rows = "".join(
        f"| {_cell(entry.name)} | {_cell(entry.set_name)} | {_cell(entry.sentence)} |\n"
        for entry in entries
    )
    return f"{head + rows if entries else _NONE}\n{due.sentence[0].upper()}{due.sentence[1:]}.\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
