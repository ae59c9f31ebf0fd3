"""Writes a measurement: its page, and its rows of the history."""

from pathlib import Path

from filelock import FileLock

from ssvif.data.manifest import PAIRS_FOLDER
from ssvif.drift.history import HISTORY, Occasion, history_text, read_history, with_measurement
from ssvif.drift.measure import Drift
from ssvif.drift.page import render_drift
from ssvif.drift.unusual import most_unusual, show
from ssvif.files import require_writable, staged_files, write_text

REPORTS = Path("reports/drift")
PAGE = "index.html"
LOCK = ".lock"


def write_drift(
    drift: Drift, occasion: Occasion, folder: Path = REPORTS, *, pairs: Path = PAIRS_FOLDER
) -> Path:
    """Write the page of a measurement, and note it in the history; both together.

    The same champion and pairs again take the place of their rows.

    Args:
        drift: What was found.
        occasion: When, and of what.
        folder: Where the history is and goes on.
        pairs: The folder of the new pairs' images, for those that are shown.

    Returns:
        The page.

    Raises:
        DriftError: If the history that is there is not understood.
        ImageError: If a pair that is shown is damaged.
        StorageError: If the folder cannot be written.
    """
    unusual = show(most_unusual(drift), pairs)
    require_writable(folder)
    with FileLock(folder / LOCK):  # the flow and a person may measure at once
        history = with_measurement(read_history(folder), drift, occasion)
        page = render_drift(drift, occasion, history=history, unusual=unusual)
        with staged_files(folder) as staged:
            write_text(staged / PAGE, page)
            write_text(staged / HISTORY, history_text(history))
    return folder / PAGE
