"""`python -m benchmarks.halos`: how much of a fused image's edges runs against both cameras?

A dark rim around a lamp falls where the one camera rises and the other is flat: its slope has a
direction that neither camera has. Enhanced contrast has not; nor has any mixture of the cameras
with one share for a whole image. Prints a Markdown table of published methods, mean, maximum and
the models that --model names, on the pairs of `benchmarks.peers`.
"""

from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor

from benchmarks.peers import SHARED, is_there, models_named, peers_job
from ssvif import console
from ssvif.evaluation.labels import label
from ssvif.evaluation.run import prepare
from ssvif.evaluation.scores import score_pairs
from ssvif.evaluation.summary import pipe_table
from ssvif.metrics.levels import grey_levels
from ssvif.metrics.metric import Metric
from ssvif.ops import sobel

# Grey levels across a step: of weaker ones it cannot be said which way they go.
_LEAST_SLOPE = 10.0
_SOBEL_STEP = 4.0  # what a step of one grey level gives


def slopes_against_both(*, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """Return the share of the fused image's slopes that neither camera has the direction of.

    Slopes are Sobel derivatives along either axis that are steeper than ten grey levels, weighted
    by their steepness.

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Returns:
        (B,) in [0, 1]; 0 for the mean and, but for rounding, the maximum of the cameras.
    """
    planes = (torch.cat(sobel(levels)) for levels in grey_levels(fused, vis, ir))
    made, first, second = (axes.unflatten(0, (2, -1)) for axes in planes)  # (2, B, 1, H, W)
    steep = made.abs() * (made.abs() > _SOBEL_STEP * _LEAST_SLOPE)
    against = steep * ((made * first <= 0.0) & (made * second <= 0.0))
    wrong, whole = (slopes.sum((0, 2, 3, 4)) for slopes in (against, steep))
    share: Tensor = wrong / whole.clamp(min=1.0)
    return share


AGAINST = Metric(
    acronym="against",
    title="slopes against both cameras",
    function=slopes_against_both,
    joined="together",
    source="ours",
    unit="share",
    higher_is_better=False,
    differentiable=False,
)


def main(
    shared: Annotated[Path, typer.Option(help="Folder of data and peers.")] = SHARED,
    model: Annotated[list[str] | None, typer.Option(help="[NAME=]MODEL, again for more.")] = None,
) -> None:
    """Measure every folder of fused images, and print the table."""
    if not is_there(shared):
        return
    prepared = prepare(peers_job(shared, models_named(model), [AGAINST]))
    found = score_pairs(
        prepared.rows,
        prepared.lineup.scored,
        folder=prepared.job.source.pairs,
        device=prepared.device,
        metrics=[AGAINST],
    ).pairs
    table = found.pivot_table(AGAINST.acronym, "candidate", "set")
    table["all"] = found.groupby("candidate")[AGAINST.acronym].mean()
    rows = [
        [label(str(name)), *(f"{100.0 * share:.2f} %" for share in row)]
        for name, row in table.sort_values("all").iterrows()
    ]
    typer.echo(pipe_table(["slopes against both cameras", *map(str, table.columns)], rows))


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
