"""Tables of scores: for people (Markdown), for programs (CSV, JSON), for plots."""

from collections.abc import Iterator, Mapping

import pandas as pd

from ssvif.evaluation.agreement import BranchAgreement
from ssvif.evaluation.labels import label
from ssvif.metrics.table import METRICS, Metric

ACRONYMS = [metric.acronym for metric in METRICS]

_TITLES = {"all": "All pairs", "set": "Set `{}`", "light": "By {}"}


def summarise(pairs: pd.DataFrame) -> pd.DataFrame:
    """Average scores over all pairs, over each set and over each light.

    Args:
        pairs: One row a pair and candidate, as `score_pairs` makes them.

    Returns:
        Columns group (`all`, `set` or `light`), value, candidate, pairs, the metrics, mean_rank.
        The mean rank runs over the metrics, 1 is best.
    """
    tables = []
    for group, value, members in _groups(pairs):
        grouped = members.groupby("candidate", sort=False)
        means = grouped[ACRONYMS].mean()
        ranks = means.round(6).rank(ascending=False).mean(axis=1)
        table = means.assign(mean_rank=ranks).reset_index()
        table.insert(0, "group", group)
        table.insert(1, "value", value)
        table.insert(3, "pairs", members["id"].nunique())
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def metrics_json(
    summary: pd.DataFrame, branches: Mapping[str, BranchAgreement], *, split: str
) -> dict[str, object]:
    """Nest the means over all pairs by candidate, for `dvc metrics`."""
    overall = summary[summary["group"] == "all"]
    content: dict[str, object] = {"split": split, "pairs": int(overall["pairs"].iloc[0])}
    for row in overall.to_dict("records"):
        scores = {acronym: round(float(row[acronym]), 6) for acronym in ACRONYMS}
        content[str(row["candidate"])] = scores
    content["branches"] = {stage: found.as_dict() for stage, found in branches.items()}
    return content


def long_form(table: pd.DataFrame, *, keep: list[str]) -> pd.DataFrame:
    """Turn metric columns into rows metric, score, which is what plots read."""
    return table.melt(id_vars=keep, value_vars=ACRONYMS, var_name="metric", value_name="score")


def markdown(summary: pd.DataFrame, branches: Mapping[str, BranchAgreement], *, split: str) -> str:
    """Write the summary as one Markdown page."""
    sections = [f"# Scores on the split `{split}`"]
    for (group, value), table in summary.groupby(["group", "value"], sort=False):
        count = int(table["pairs"].iloc[0])
        pairs = "1 pair" if count == 1 else f"{count} pairs"
        sections.append(f"## {_TITLES[str(group)].format(value)}: {pairs}")
        sections.append(_score_table(table))
    sections += ["## The two segmentations", _branch_table(branches)]
    sections += ["## What the columns are", _legend()]
    return "\n\n".join(sections) + "\n"


def _groups(pairs: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    yield "all", "all", pairs
    for column in ("set", "light"):
        for value, members in pairs.groupby(column):
            yield column, str(value), members


def _score_table(table: pd.DataFrame) -> str:
    columns = {acronym: _bold_best(table[acronym], 3, best="max") for acronym in ACRONYMS}
    columns["mean rank"] = _bold_best(table["mean_rank"], 2, best="min")
    names = [label(candidate) for candidate in table["candidate"]]
    rows = [list(row) for row in zip(names, *columns.values(), strict=True)]
    return _pipe_table(["", *columns], rows)


def _bold_best(values: "pd.Series[float]", digits: int, *, best: str) -> list[str]:
    rounded = values.round(digits)
    mark = rounded == rounded.agg(best)
    return [
        f"**{value:.{digits}f}**" if bold else f"{value:.{digits}f}"
        for value, bold in zip(rounded, mark, strict=True)
    ]


def _branch_table(branches: Mapping[str, BranchAgreement]) -> str:
    header = [
        "",
        "agreement",
        "over chance (kappa)",
        "effective prototypes, feature level",
        "effective prototypes, pixel level",
        "of",
    ]
    rows = [
        [
            label(stage),
            f"{found.agreement:.3f}",
            f"{found.agreement_over_chance:.3f}",
            f"{found.effective_prototypes_feature_level:.1f}",
            f"{found.effective_prototypes_pixel_level:.1f}",
            str(found.prototypes),
        ]
        for stage, found in branches.items()
    ]
    return _pipe_table(header, rows)


def _legend() -> str:
    header = ["", "what", "unit", "range", "source"]
    rows = [
        [metric.acronym, metric.title, metric.unit, _range(metric), metric.source]
        for metric in METRICS
    ]
    note = (
        "Higher counts as better in every column; the best is bold. The mean rank runs over the "
        "nine metrics, and 1 is best."
    )
    return f"{_pipe_table(header, rows, align=':---')}\n\n{note}"


def _range(metric: Metric) -> str:
    if metric.high == float("inf"):
        return f"{metric.low:g} and above"
    return f"{metric.low:g} to {metric.high:.4g}"


def _pipe_table(header: list[str], rows: list[list[str]], *, align: str = "---:") -> str:
    rule = [":---"] + [align] * (len(header) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, rule, *rows])
