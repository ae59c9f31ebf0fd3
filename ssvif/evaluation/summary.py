"""The evaluation as one Markdown page."""

from collections.abc import Mapping, Sequence
from math import isnan

import pandas as pd

from ssvif.evaluation.agreement import BranchAgreement
from ssvif.evaluation.compare import Comparison
from ssvif.evaluation.labels import counted, label, plural
from ssvif.evaluation.tables import metrics_of
from ssvif.metrics.table import Metric

ALL_CLASSES = "all"
PROBE = "probe:"  # begins the candidate of a row that only probes leave out

_SCORES = {"iou": "mean IoU", "accuracy": "pixel accuracy", "ap50": "AP50"}
_TITLES = {"all": "All pairs", "set": "Set `{}`", "light": "By {}"}


def markdown(
    summary: pd.DataFrame,
    branches: Mapping[str, BranchAgreement],
    comparisons: Sequence[Comparison],
    left_out: pd.DataFrame,
    probes: pd.DataFrame,
    stress: Sequence[str],
    *,
    split: str,
) -> str:
    """Write the summary as one Markdown page.

    Args:
        summary: As `ssvif.evaluation.tables.summarise` makes it.
        branches: How the branches of each model agree; none where no model was scored.
        comparisons: Of the candidate that is judged with every other.
        left_out: Columns pair, candidate, reason.
        probes: As `ssvif.evaluation.probing` sums them up; no rows where nothing was probed.
        stress: Sentences on where candidates break; none without the stress test.
        split: What was evaluated.
    """
    sections = [f"# Scores on the split `{split}`"]
    sections += [
        f"{counts}; `left_out.csv` has every reason, such as: {reason}."
        for counts, reason in left_out_counts(left_out).items()
    ]
    for (group, value), table in summary.groupby(["group", "value"], sort=False):
        if group != "all" and _is_all(table, summary):
            continue
        count = int(table["pairs"].iloc[0])
        pairs = plural(count, "pair")
        sections.append(f"## {_TITLES[str(group)].format(value)}: {pairs}")
        sections.append(score_table(table))
    if comparisons:
        sections += ["## Against chance", _comparison_list(comparisons)]
    for task, table in probes.groupby("task", sort=False):
        sections += [f"## Probe: {task}", probe_table(table)]
    if stress:
        sections += ["## Under stress", "\n".join(f"- {sentence}" for sentence in stress)]
    if branches:
        sections += ["## The two segmentations", _branch_table(branches)]
    sections += ["## What the columns are", _legend(metrics_of(summary))]
    return "\n\n".join(sections) + "\n"


def left_out_counts(left_out: pd.DataFrame) -> dict[str, str]:
    """Say how many pairs were left out of scores and probes, by whom; each with a first reason."""
    # Rows of probes: pairs with an unfit label, and candidates that lack images of a task.
    unlabelled = left_out["candidate"].str.startswith(PROBE)
    unprobed = left_out["pair"].str.startswith(PROBE)
    kinds = {
        "Left out for all candidates, so that all are scored on the same pairs": ~(
            unlabelled | unprobed
        ),
        "Labels left out of the probes": unlabelled,
        "Candidates that could not be probed": unprobed,
    }
    return {
        f"{what}: {_count(left_out[rows])}": str(left_out.loc[rows, "reason"].iloc[0])
        for what, rows in kinds.items()
        if rows.any()
    }


def _count(rows: pd.DataFrame) -> str:
    if rows["pair"].str.startswith(PROBE).all():
        return ", ".join(label(str(name)) for name in rows["candidate"].unique())
    counts = rows.groupby("candidate", sort=True)["pair"].nunique()
    by = (f"{label(str(name)).removeprefix(PROBE)} {count}" for name, count in counts.items())
    return f"{rows['pair'].nunique()} ({', '.join(by)})"


def _is_all(table: pd.DataFrame, summary: pd.DataFrame) -> bool:
    """Whether a set or a light has all pairs, so that its table would be the first again."""
    return bool(table["pairs"].iloc[0] == summary.loc[summary["group"] == "all", "pairs"].iloc[0])


def score_table(table: pd.DataFrame) -> str:
    """Return means by candidate, best mean rank first, the best of each column in bold."""
    ordered = table.sort_values(["mean_rank", "candidate"])
    columns = {_head(m): _bold_best(ordered[m.acronym], 3, _best(m)) for m in metrics_of(ordered)}
    columns["mean rank"] = _bold_best(ordered["mean_rank"], 2, "min")
    names = [label(candidate) for candidate in ordered["candidate"]]
    rows = [list(row) for row in zip(names, *columns.values(), strict=True)]
    return pipe_table(["", *columns], rows)


def probe_table(table: pd.DataFrame) -> str:
    """Return a task's scores by candidate with their intervals, best mean IoU first."""
    overall = table[table["class"] == ALL_CLASSES]
    found = {
        (str(row["candidate"]), str(row["score"])): (row["mean"], row["low"], row["high"])
        for row in overall.to_dict("records")
    }
    scores = list(dict.fromkeys(score for _, score in found))
    names = list(dict.fromkeys(name for name, _ in found))
    names.sort(key=lambda name: -found[name, "iou"][0])
    rows = [[label(n), *(_with_interval(found.get((n, s))) for s in scores)] for n in names]
    return pipe_table(["", *(_SCORES.get(score, score) for score in scores)], rows)


def _with_interval(bounds: tuple[float, float, float] | None) -> str:
    if bounds is None:
        return "-"
    mean, low, high = bounds
    return f"{mean:.3f}" if isnan(low) else f"{mean:.3f} ({low:.3f} to {high:.3f})"


def pipe_table(header: list[str], rows: list[list[str]], *, align: str = "---:") -> str:
    """Return a Markdown table whose first column is text."""
    rule = [":---"] + [align] * (len(header) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, rule, *rows])


def _head(metric: Metric) -> str:
    return metric.acronym if metric.higher_is_better else f"{metric.acronym} ↓"


def _best(metric: Metric) -> str:
    return "max" if metric.higher_is_better else "min"


def _bold_best(values: "pd.Series[float]", digits: int, best: str) -> list[str]:
    rounded = values.round(digits)
    mark = rounded == rounded.agg(best)
    return [
        f"**{value:.{digits}f}**" if bold else f"{value:.{digits}f}"
        for value, bold in zip(rounded, mark, strict=True)
    ]


def _comparison_list(comparisons: Sequence[Comparison]) -> str:
    first = comparisons[0]
    note = (
        f"{counted(first.pairs, first.blocks)}; permutation test "
        f"over blocks, p after Holm below {1.0 - first.confidence:.3g}. `statistics.csv` has the "
        "differences, their intervals and effects."
    )
    return "\n".join([note, "", *(f"- {comparison.sentence}." for comparison in comparisons)])


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
    return pipe_table(header, rows)


def _legend(metrics: Sequence[Metric]) -> str:
    header = ["", "what", "unit", "range", "source"]
    rows = [[m.acronym, m.title, _unit(m), _range(m), m.source] for m in metrics]
    note = (
        "Higher counts as better, but for columns marked ↓; the best is bold. The mean rank runs "
        f"over these {len(metrics)} metrics, and 1 is best."
    )
    return f"{pipe_table(header, rows, align=':---')}\n\n{note}"


def _unit(metric: Metric) -> str:
    joined = f"{metric.joined} over the sources" if metric.joined in ("sum", "mean") else ""
    return ", ".join(filter(None, (metric.unit, joined)))


def _range(metric: Metric) -> str:
    if metric.high == float("inf"):
        return f"{metric.low:g} and above"
    return f"{metric.low:g} to {metric.high:.4g}"
