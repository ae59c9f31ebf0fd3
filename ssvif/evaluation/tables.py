"""Tables of scores: for programs (CSV, JSON) and for plots; `summary` writes them for people."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from ssvif.evaluation.agreement import BranchAgreement
from ssvif.evaluation.statistics import Blocks, intervals
from ssvif.metrics.table import METRICS, Metric

_TIE = 6  # decimals to which equal scores share a rank


def metrics_of(table: pd.DataFrame) -> list[Metric]:
    """Return the metrics that a table has columns of, in the order of METRICS."""
    return [metric for metric in METRICS if metric.acronym in table.columns]


def summarise(pairs: pd.DataFrame) -> pd.DataFrame:
    """Average scores over all pairs, over each set and over each light.

    Args:
        pairs: One row a pair and candidate, as `score_pairs` makes them.

    Returns:
        Columns group (`all`, `set` or `light`), value, candidate, pairs, the metrics, mean_rank.
        The mean rank runs over the metrics, each in its direction; 1 is best.
    """
    metrics = metrics_of(pairs)
    tables = []
    for group, value, members in _groups(pairs):
        grouped = members.groupby("candidate", sort=False)
        means = grouped[[metric.acronym for metric in metrics]].mean()
        table = means.assign(mean_rank=ranks(means).mean(axis=1)).reset_index()
        table.insert(0, "group", group)
        table.insert(1, "value", value)
        table.insert(3, "pairs", members["id"].nunique())
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def ranks(means: pd.DataFrame) -> pd.DataFrame:
    """Rank candidates (rows) metric by metric (columns): 1 is best, equal ones share a rank."""
    rounded = means.round(_TIE)
    columns = {
        metric.acronym: rounded[metric.acronym].rank(ascending=not metric.higher_is_better)
        for metric in metrics_of(means)
    }
    return pd.DataFrame(columns)


def interval_table(
    pairs: pd.DataFrame, *, confidence: float, resamples: int, seed: int
) -> pd.DataFrame:
    """Return the mean of each candidate and metric, with its bootstrap interval over blocks.

    Returns:
        Columns candidate, metric, mean, low, high; bounds are NaN for want of blocks.
    """
    acronyms = [metric.acronym for metric in metrics_of(pairs)]
    tables = []
    for candidate, members in pairs.groupby("candidate", sort=False):
        blocks = Blocks.of(members[acronyms], members["block"])
        bounds = intervals(blocks, confidence=confidence, resamples=resamples, seed=seed)
        columns = {"metric": acronyms, "mean": blocks.means, "low": bounds[:, 0]}
        tables.append(pd.DataFrame({"candidate": candidate, **columns, "high": bounds[:, 1]}))
    return pd.concat(tables, ignore_index=True)


def metrics_json(
    summary: pd.DataFrame, branches: Mapping[str, BranchAgreement], *, split: str
) -> dict[str, object]:
    """Nest the means over all pairs by candidate, for `dvc metrics`."""
    overall = summary[summary["group"] == "all"]
    content: dict[str, object] = {"split": split, "pairs": int(overall["pairs"].iloc[0])}
    acronyms = [metric.acronym for metric in metrics_of(summary)]
    for row in overall.to_dict("records"):
        scores = {acronym: round(float(row[acronym]), 6) for acronym in acronyms}
        content[str(row["candidate"])] = scores
    content["branches"] = {stage: found.as_dict() for stage, found in branches.items()}
    return content


def long_form(table: pd.DataFrame, *, keep: Sequence[str]) -> pd.DataFrame:
    """Turn metric columns into rows metric, score, which is what plots read."""
    acronyms = [metric.acronym for metric in metrics_of(table)]
    return table.melt(
        id_vars=list(keep), value_vars=acronyms, var_name="metric", value_name="score"
    )


def _groups(pairs: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    yield "all", "all", pairs
    for column in ("set", "light"):
        for value, members in pairs.groupby(column):
            yield column, str(value), members
