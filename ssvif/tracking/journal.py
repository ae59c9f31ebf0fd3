"""The metrics of a running stage: JSON lines that survive a kill, and one table at the end."""

import csv
import io
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ssvif.errors import StorageError
from ssvif.files import write_text

logger = logging.getLogger(__name__)

FILE_NAME = "metrics.jsonl"


@dataclass(frozen=True)
class Row:
    """What was logged at once.

    Args:
        step: Of training, from 0.
        values: Numbers by key; NaN and infinities are kept.
        time_ms: When, in milliseconds since 1970.
    """

    step: int
    values: Mapping[str, float]
    time_ms: int


class Journal:
    """Rows of metrics, in memory and appended to a file as they come.

    Args:
        folder: Where `metrics.jsonl` is kept; rows that are there are taken up again, but for a
            last line that a kill cut short. None keeps the rows in memory only.
    """

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / FILE_NAME
        self.rows: list[Row] = [] if self._path is None else _read(self._path)
        self._rewrite()

    def append(self, step: int, values: Mapping[str, float]) -> None:
        """Keep one row; if its file cannot be written, warn once and keep it in memory."""
        row = Row(step, {key: float(value) for key, value in values.items()}, _now_ms())
        self.rows.append(row)
        if self._path is None:
            return
        try:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(_line(row))
        except OSError as error:
            self._give_up(f"{self._path}: cannot be written ({error.strerror})")

    def rewind(self, step: int) -> None:
        """Drop the rows after `step`."""
        self.rows = [row for row in self.rows if row.step <= step]
        self._rewrite()

    def _rewrite(self) -> None:
        if self._path is None:
            return
        try:
            write_text(self._path, "".join(map(_line, self.rows)))
        except (StorageError, OSError) as error:
            self._give_up(str(error))

    def _give_up(self, problem: str) -> None:
        logger.warning("%s; the metrics are kept in memory, and a kill loses them", problem)
        self._path = None


def table(rows: list[Row]) -> str:
    """Return rows as CSV: a column `step`, then one column a key, in order of name.

    Rows of one step share a line, where the latest value counts; equal rows give equal bytes.
    """
    steps: dict[int, dict[str, float]] = {}
    for row in rows:
        steps.setdefault(row.step, {}).update(row.values)
    keys = sorted({key for values in steps.values() for key in values})
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", *keys])
    for step in sorted(steps):
        writer.writerow([step, *(steps[step].get(key, "") for key in keys)])
    return text.getvalue()


def read_table(text: str, *, time_ms: int) -> list[Row]:
    """Return the rows of a table that `table` made, as if all were logged at `time_ms`."""
    lines = csv.reader(io.StringIO(text))
    _, *keys = next(lines)
    return [
        Row(int(step), {k: float(v) for k, v in zip(keys, values, strict=True) if v}, time_ms)
        for step, *values in lines
    ]


def _read(path: Path) -> list[Row]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    rows = []
    for line in lines:
        try:
            rows.append(Row(**json.loads(line)))
        except (ValueError, TypeError):
            break  # a kill cut this line short, and nothing was written after it
    return rows


def _line(row: Row) -> str:
    return json.dumps(row.__dict__) + "\n"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
