"""`python -m ssvif.metrics.document`: the table of docs/metrics.md, made from METRICS."""

import math
import sys

from ssvif.metrics.metric import Metric
from ssvif.metrics.table import METRICS, STANDARD

_HEADER = (
    "metric",
    "what",
    "unit",
    "range",
    "better",
    "sources",
    "least side",
    "gradient",
    "published in",
    "the literature's convention",
)


def markdown_table() -> str:
    """Return one row a metric, as a Markdown table; the standard ones are bold."""
    rows = [_HEADER, tuple(":---" for _ in _HEADER), *(_row(metric) for metric in METRICS)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows) + "\n"


def _row(metric: Metric) -> tuple[str, ...]:
    return (
        f"**{metric.acronym}**" if metric in STANDARD else metric.acronym,
        f"{metric.title}, `{metric.function.__name__}`",
        metric.unit or "-",
        _range(metric),
        "higher" if metric.higher_is_better else "lower",
        metric.joined,
        str(metric.min_side),
        "yes" if metric.differentiable else "no",
        metric.source,
        metric.literature or "the same",
    )


def _range(metric: Metric) -> str:
    if math.isinf(metric.high):
        return f"{metric.low:g} and above"
    return f"{metric.low:g} to {metric.high:.6g}"


if __name__ == "__main__":
    sys.stdout.write(markdown_table())
