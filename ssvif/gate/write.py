"""The files of a decision: `reports/gate/`."""

from pathlib import Path

from ssvif.files import staged_files, write_text
from ssvif.gate.decision import DECISION_NAME, write_decision
from ssvif.gate.page import write_page
from ssvif.gate.picture import draw_picture
from ssvif.gate.run import Gated
from ssvif.gate.summary import markdown

SUMMARY = "summary.md"
PICTURE = "picture.png"
PAGE = "index.html"


def write_gate(gated: Gated, folder: Path) -> None:
    """Write the decision for programs and for people; all files appear together.

    Args:
        gated: What was decided.
        folder: Such as `reports/gate`.

    Raises:
        ImageError: If a pair's file is missing or damaged.
        StorageError: If a file cannot be written.
    """
    with staged_files(folder) as scratch:
        write_text(scratch / SUMMARY, markdown(gated.decision))
        draw_picture(scratch / PICTURE, gated.decision)
        write_page(scratch / PAGE, gated, picture=scratch / PICTURE)
        write_decision(gated.decision, scratch / DECISION_NAME)
