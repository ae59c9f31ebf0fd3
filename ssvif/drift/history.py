"""Every measurement that was made, one row a measure: what the trend is drawn from."""

import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from ssvif.drift.measure import Drift
from ssvif.errors import DriftError

HISTORY = "history.csv"

_COLUMNS = {
    "time": "str",
    "champion": "str",
    "bundle": "str",
    "manifest": "str",
    "set": "str",
    "measure": "str",
    "reference_pairs": "int64",
    "new_pairs": "int64",
    "psi": "float64",
    "p": "float64",
    "outside": "float64",
    "matters": "bool",
}
_FORMAT = "%.6g"


@dataclass(frozen=True)
class Occasion:
    """When a measurement was made, and of what.

    Args:
        time: Now, with its time zone.
        champion: What the champion is called, such as `version 3`.
        bundle: Hash of its bundle.
        manifest: Hash of the pairs that were there.
    """

    time: datetime
    champion: str
    bundle: str
    manifest: str


def read_history(folder: Path) -> pd.DataFrame:
    """Read the measurements of a folder; without the file there are none.

    Raises:
        DriftError: If the file is not understood.
    """
    path = folder / HISTORY
    try:
        return pd.read_csv(path, dtype=_COLUMNS, keep_default_na=False, na_values={
            name: [""] for name in ("psi", "p", "outside")
        })[list(_COLUMNS)]  # fmt: skip
    except FileNotFoundError:
        return _table([])
    except (OSError, ValueError, KeyError) as error:
        raise DriftError(
            f"{path}: not readable as a table of measurements ({error}); delete it or mend it"
        ) from error


def with_measurement(history: pd.DataFrame, drift: Drift, occasion: Occasion) -> pd.DataFrame:
    """Add a measurement; one of the same champion and pairs is replaced.

    Args:
        history: See `read_history`.
        drift: What was found; without new pairs nothing is added.
        occasion: When, and of what.
    """
    rows = [
        {
            "time": occasion.time.isoformat(timespec="seconds"),
            "champion": occasion.champion,
            "bundle": occasion.bundle,
            "manifest": occasion.manifest,
            "set": finding.group,
            "measure": finding.measure,
            "reference_pairs": finding.reference_pairs,
            "new_pairs": finding.new_pairs,
            "psi": finding.index,
            "p": finding.pvalue,
            "outside": finding.outside,
            "matters": finding.matters,
        }
        for finding in drift.findings
        if len(drift.new)
    ]
    state = (history["bundle"] == occasion.bundle) & (history["manifest"] == occasion.manifest)
    return pd.concat([history[~state], _table(rows)], ignore_index=True)


def history_text(history: pd.DataFrame) -> str:
    """Return measurements as CSV."""
    stream = io.StringIO()
    history.to_csv(stream, index=False, float_format=_FORMAT)
    return stream.getvalue()


def _table(rows: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)
