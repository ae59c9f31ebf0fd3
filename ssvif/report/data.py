"""The tables of an evaluation, read from the files under the report's folder."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ssvif.errors import EvaluationError
from ssvif.report.terms import STANDARD_KEYS, TERMS

# Columns of text, then those of numbers.
_PAIRS = (("id", "set", "name", "light", "candidate"), ())
_SUMMARY = (("group", "value", "candidate"), ("pairs", "mean_rank"))
_OPTIONAL = {
    "statistics": (
        ("metric", "candidate", "reference"),
        ("difference", "low", "high", "p", "p_holm", "effect", "pairs", "blocks"),
    ),
    "intervals": (("candidate", "metric"), ("mean", "low", "high")),
    "probe_summary": (
        ("task", "candidate", "score", "class"),
        ("mean", "low", "high", "repetitions"),
    ),
    "probe_statistics": (
        ("task", "candidate", "reference"),
        ("difference", "low", "high", "p", "p_holm", "pairs", "blocks"),
    ),
    "stress": (
        ("degradation", "unit", "candidate", "metric"),
        ("severity", "level", "score"),
    ),
    "left_out": (("pair", "candidate", "reason"), ()),
}
_Columns = tuple[Sequence[str], Sequence[str]]


@dataclass(frozen=True)
class ReportData:
    """What an evaluation left in its folder; a table that it did not make is None.

    Args:
        pairs: One row a pair and candidate: id, set, name, light, candidate, and the metrics.
        summary: Means by group (`all`, `set`, `light`), value and candidate.
        statistics: One row a metric and pair of candidates: difference, interval, Holm's p.
        intervals: Intervals of the means over all pairs, by candidate and metric.
        probe_summary: Means and intervals of the probes, by task, candidate, score and class.
        probe_statistics: The judged candidate's mIoU with every other's, by task.
        stress: Scores under degradations; severity 0 is clean.
        left_out: Pairs that were not scored, and why.
        checks: Label-free checks by model.
        facts: The rest of `metrics.json`: split, pairs, branches.
    """

    pairs: pd.DataFrame
    summary: pd.DataFrame
    statistics: pd.DataFrame | None
    intervals: pd.DataFrame | None
    probe_summary: pd.DataFrame | None
    probe_statistics: pd.DataFrame | None
    stress: pd.DataFrame | None
    left_out: pd.DataFrame | None
    checks: dict[str, dict[str, float]]
    facts: dict[str, Any]

    @property
    def metrics(self) -> list[str]:
        """The metrics that were scored, in the order of the columns."""
        return [column for column in self.pairs.columns if column in TERMS]

    @property
    def standard(self) -> list[str]:
        """Those of the standard set, or all if there are none of it."""
        return [metric for metric in self.metrics if metric in STANDARD_KEYS] or self.metrics

    @property
    def overall(self) -> pd.DataFrame:
        """The summary over all pairs, by candidate, best mean rank first."""
        rows = self.summary[self.summary["group"] == "all"]
        return rows.sort_values(["mean_rank", "candidate"]).set_index("candidate")

    @property
    def candidates(self) -> list[str]:
        """Every candidate of any table."""
        tables = (self.pairs, self.probe_summary, self.stress)
        return sorted({name for table in tables if table is not None for name in table.candidate})


def read_report(folder: Path) -> ReportData:
    """Read an evaluation's tables.

    Args:
        folder: Such as `reports/evaluate`; `pairs.csv` and `summary.csv` must be there.

    Raises:
        EvaluationError: If a table is missing, damaged or without one of its columns.
    """
    optional = {name: _read_optional(folder / f"{name}.csv", c) for name, c in _OPTIONAL.items()}
    pairs, summary = _read(folder / "pairs.csv", _PAIRS), _read(folder / "summary.csv", _SUMMARY)
    if pairs.empty or summary[summary["group"] == "all"].empty:
        raise EvaluationError(f"{folder}: no pair is scored; run the evaluation on some pairs")
    return ReportData(
        pairs=pairs,
        summary=summary,
        checks=_read_json(folder / "checks.json"),
        facts=_read_json(folder / "metrics.json"),
        **optional,
    )


def _read_optional(path: Path, columns: _Columns) -> pd.DataFrame | None:
    """Read a table; one that is not there or has no rows is None."""
    if not path.is_file():
        return None
    table = _read(path, columns)
    return None if table.empty else table


def _read(path: Path, columns: _Columns) -> pd.DataFrame:
    text, numbers = columns
    try:
        # `None` and `NA` are names that a set may have: only numbers can be missing.
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        measured = [name for name in table.columns if name in numbers or name in TERMS]
        empty = table[measured].isin(["", "nan", "NaN"])
        table[measured] = table[measured].mask(empty, "nan").astype(float)
    except (OSError, ValueError, KeyError) as error:
        raise EvaluationError(
            f"{path}: not readable as a table ({error}); run the evaluation again"
        ) from error
    missing = [column for column in (*text, *numbers) if column not in table.columns]
    if missing:
        raise EvaluationError(
            f"{path}: expected the column {missing[0]}, found {', '.join(table.columns)}; "
            "run the evaluation again"
        )
    return table


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EvaluationError(
            f"{path}: not readable as JSON ({error}); run the evaluation again"
        ) from error
    return content if isinstance(content, dict) else {}
