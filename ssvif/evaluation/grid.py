"""The picture grid: sources, fused images and both segmentations, one pair a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from ssvif.data.images import UInt8Image
from ssvif.evaluation.candidates import MEAN, ModelCandidate, Scene, in_colour, segment
from ssvif.files import atomic_path
from ssvif.fuse.palette import palette

_COLUMNS = (
    "visible",
    "infrared",
    "mean",
    "stage one",
    "stage two",
    "feature-level segmentation",
    "pixel-level segmentation",
)

# Inches.
_CELL = 2.1
_GAP = 0.04
_LEFT = 0.4
_TOP = 0.28
_BOTTOM = 0.38
_DPI = 130

_LONGEST_LINE = 22  # letters beside a row


@dataclass(frozen=True)
class GridRow:
    """One row of the grid.

    Args:
        caption: What stands beside it; long lines are cut in the middle.
        panels: As many uint8 images (H, W) or (H, W, 3) as there are columns.
        note: What stands in the last panel.
    """

    caption: str
    panels: tuple[UInt8Image, ...]
    note: str


def grid_row(
    scene: Scene, stage_one: ModelCandidate, stage_two: ModelCandidate, *, caption: str
) -> GridRow:
    """Fuse and segment a scene for the grid; the segmentations are stage two's.

    Raises:
        ModelError: If a model's output is not a number somewhere.
    """
    fused = [in_colour(candidate, scene) for candidate in (MEAN, stage_one, stage_two)]
    found = segment(scene, stage_two.model)
    colours = palette(found.prototypes)
    segmentations = (found.feature_level, found.pixel_level)
    agreement = (found.feature_level == found.pixel_level).float().mean().item()
    return GridRow(
        caption=caption,
        panels=(
            *map(_to_uint8, (scene.vis, scene.ir, *fused)),
            *(colours[s.cpu().numpy()] for s in segmentations),
        ),
        note=f"{agreement:.0%} agree",
    )


def draw_grid(path: Path, rows: Sequence[GridRow], *, prototypes: int) -> None:
    """Draw the grid as a PNG, the same bytes for the same rows.

    Args:
        path: Where to.
        rows: At least one.
        prototypes: How many prototypes the colour key shows.

    Raises:
        StorageError: If the file cannot be written.
    """
    heights = [_CELL * row.panels[0].shape[0] / row.panels[0].shape[1] for row in rows]
    width = _LEFT + len(_COLUMNS) * (_CELL + _GAP)
    height = _TOP + sum(heights) + len(rows) * _GAP + _BOTTOM
    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    bottom = height - _TOP
    for row, row_height in zip(rows, heights, strict=True):
        bottom -= row_height
        axes = [
            _axes(figure, _LEFT + column * (_CELL + _GAP), bottom, _CELL, row_height)
            for column in range(len(_COLUMNS))
        ]
        _draw_row(axes, row)
        if row is rows[0]:
            for cell, title in zip(axes, _COLUMNS, strict=True):
                cell.set_title(title, fontsize=8.5, pad=4)
        bottom -= _GAP
    _draw_key(_axes(figure, _LEFT + 5 * (_CELL + _GAP), 0.06, 2 * _CELL, 0.12), prototypes)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})


def _to_uint8(image: Tensor) -> UInt8Image:
    """Return an image (1, C, H, W) in [0, 1] as (H, W) or (H, W, 3)."""
    levels = (image[0] * 255.0).round().byte().permute(1, 2, 0).cpu().numpy()
    return levels[..., 0] if levels.shape[-1] == 1 else levels


def _axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Add axes without ticks at a place given in inches."""
    whole_width, whole_height = figure.get_size_inches()
    box = (left / whole_width, bottom / whole_height, width / whole_width, height / whole_height)
    axes = figure.add_axes(box)
    axes.set_axis_off()
    return axes


def _draw_row(axes: Sequence[Axes], row: GridRow) -> None:
    for cell, panel in zip(axes, row.panels, strict=True):
        # A segmentation has a quarter of the pixels: enlarged without mixing its colours.
        smooth = "nearest" if panel.shape[0] < row.panels[0].shape[0] else "antialiased"
        cell.imshow(panel, cmap="gray", vmin=0, vmax=255, aspect="auto", interpolation=smooth)
    axes[0].text(
        -0.03,
        0.5,
        "\n".join(_shorten(line) for line in row.caption.splitlines()),
        transform=axes[0].transAxes,
        rotation=90,
        ha="right",
        va="center",
        fontsize=7.5,
        linespacing=1.3,
    )
    axes[-1].text(
        0.985,
        0.03,
        row.note,
        transform=axes[-1].transAxes,
        ha="right",
        va="bottom",
        fontsize=7.5,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.85},
    )


def _shorten(line: str) -> str:
    half = _LONGEST_LINE // 2
    return line if len(line) <= _LONGEST_LINE else f"{line[: half - 1]}…{line[-half:]}"


def _draw_key(axes: Axes, prototypes: int) -> None:
    axes.imshow(palette(prototypes)[None], aspect="auto", interpolation="nearest")
    axes.set_title(
        f"stage two: one colour a prototype, shared by both segmentations (K = {prototypes})",
        fontsize=7.5,
        pad=2,
    )
