"""The plot of the dynamic weight's schedule, with every term it is made of."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from ssvif.files import atomic_path

PREFIX = "stage_two/train/"
PANELS = (
    ("weight", ("dynamic_weight/weight",)),
    (
        "factors",
        (
            "dynamic_weight/ramp",
            "dynamic_weight/reliability",
            "dynamic_weight/presence",
            "dynamic_weight/ratio",
            "dynamic_weight/trust",
        ),
    ),
    (
        "gradient norms",
        (
            "dynamic_weight/mean_fusion_norm",
            "dynamic_weight/mean_consistency_norm",
            "dynamic_weight/floor",
        ),
    ),
    ("health", ("agreement", "equivariance")),
    ("losses", ("loss", "consistency")),
)


def draw_schedule(path: Path, rows: Sequence[tuple[int, Mapping[str, float]]]) -> None:
    """Draw the schedule of a stage-two run.

    Args:
        path: A PNG to write.
        rows: Steps and their figures, by the keys that stage two logs.
    """
    figure = Figure(figsize=(7.0, 8.5), layout="constrained")
    panels = figure.subplots(len(PANELS), 1, sharex=True)
    for axes, (title, names) in zip(panels, PANELS, strict=True):
        for name in names:
            points = [(s, row[PREFIX + name]) for s, row in rows if PREFIX + name in row]
            axes.plot(
                [step for step, _ in points],
                [value for _, value in points],
                label=name.rpartition("/")[2],
            )
        axes.set_ylabel(title)
        axes.grid(visible=True, alpha=0.3)
        if len(names) > 1:
            axes.legend(fontsize="small", ncols=len(names), frameon=False)
    panels[0].set_title("Dynamic weight of the consistency gradient")
    panels[-1].set_xlabel("step of stage two")
    with atomic_path(path) as temporary:
        # No date in the file: equal runs give equal bytes.
        figure.savefig(temporary, dpi=110, metadata={"Software": None})
