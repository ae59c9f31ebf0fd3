"""The picture of a decision: gains with their intervals, and where the limits are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill, shorten

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ssvif.files import atomic_path
from ssvif.gate.decision import Check, Decision
from ssvif.gate.models import CHAMPION
from ssvif.gate.rules import group_name
from ssvif.gate.summary import opened

_COLOURS = {True: "#1b6e3c", False: "#b3261e", None: "#77756d"}
_WORDS = {True: "passed", False: "failed", None: "not judged"}
_WIDTH, _ROW = 10.0, 0.34
_LINE = 92  # letters of the title's lines
_LONG_LINE = 140  # and of the small ones below it
_LEGEND = "dot: mean gain; bar: its interval; tick: the limit"


def draw_picture(path: Path, decision: Decision) -> None:
    """Draw the gains over all pairs as a forest, and those within slices as a table.

    Args:
        path: A PNG to write.
        decision: What was decided.
    """
    numbers = decision.numbers
    rows = [c for c in decision.checks if c.kind in ("superiority", "metric", "probe")]
    slices = [check for check in decision.checks if check.kind == "slice"]
    others = [c for c in decision.checks if c not in rows and c not in slices]
    groups = list(dict.fromkeys(check.group for check in slices))
    heights = [1.2 + _ROW * max(len(rows), 1), 1.3 + _ROW * len(groups), 0.4 + 0.24 * len(others)]
    parts = [bool(rows), bool(slices), bool(others)]
    shown = [height for height, part in zip(heights, parts, strict=True) if part] or [1.0]
    title = fill(opened(decision.sentence), _LINE)
    figure = Figure(figsize=(_WIDTH, sum(shown) + 0.35 * (title.count("\n") + 2)))
    figure.set_layout_engine("constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=11.5, weight="bold")
    panels = iter(figure.subplots(len(shown), 1, squeeze=False, height_ratios=shown)[:, 0])
    if rows:
        _forest(next(panels), rows, numbers)
    if slices:
        _table(next(panels), slices, groups, numbers)
    if others:
        _list(next(panels), others)
    if not any(parts):
        next(panels).set_axis_off()
    with atomic_path(path) as temporary:
        # No date in the file: equal decisions give equal bytes.
        figure.savefig(temporary, dpi=110, metadata={"Software": None})


def _forest(axes: Axes, rows: Sequence[Check], numbers: Mapping[str, float | None]) -> None:
    """Draw a row a check, in per cent of the champion's mean."""
    for place, check in enumerate(rows):
        scale = _scale(check, numbers)
        value, low, high, limit = (
            None if part is None else part * scale
            for part in (check.value, check.low, check.high, check.limit)
        )
        colour = _COLOURS[check.passed]
        if low is not None and high is not None:
            axes.plot([low, high], [place, place], color=colour, linewidth=2.4, alpha=0.55)
        if value is not None:
            axes.plot([value], [place], "o", color=colour, markersize=6)
        axes.annotate(
            ("" if value is None else f"{value:+.1f} %  ") + _WORDS[check.passed],
            (1.01, place),
            xycoords=("axes fraction", "data"),
            va="center",
            color=colour,
            fontsize=9,
        )
        if limit is not None:
            axes.plot([limit, limit], [place - 0.38, place + 0.38], color="#1a1a19", linewidth=1.6)
    axes.axvline(0.0, color="#77756d", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [_row_name(check) for check in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel(f"gain of the challenger, % of the champion's mean ({_LEGEND})", fontsize=9)
    axes.grid(visible=True, axis="x", alpha=0.25)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _row_name(check: Check) -> str:
    if check.kind == "superiority":
        return f"{check.metric}: must gain"
    return f"probe: {check.group}" if check.kind == "probe" else check.metric


def _table(
    axes: Axes,
    slices: Sequence[Check],
    groups: Sequence[str],
    numbers: Mapping[str, float | None],
) -> None:
    """Write the gains within slices, one row a slice and one column a metric."""
    metrics = list(dict.fromkeys(check.metric for check in slices))
    axes.set_xlim(-0.6, len(metrics) - 0.4)
    axes.set_ylim(len(groups) - 0.5, -0.6)
    for check in slices:
        place = (metrics.index(check.metric), groups.index(check.group))
        text = "-" if check.value is None else f"{check.value * _scale(check, numbers):+.1f} %"
        weight = "bold" if check.passed is False else "normal"
        colour = _COLOURS[check.passed]
        axes.text(*place, text, ha="center", va="center", color=colour, weight=weight, fontsize=9)
    axes.set_xticks(range(len(metrics)), metrics)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(groups)), [group_name(group) for group in groups])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for line in range(len(groups)):
        axes.axhline(line + 0.5, color="#e3e2dd", linewidth=0.8)
    note = "mean gains within slices; red: beyond the margin; grey: too few pairs to judge"
    axes.set_xlabel(note, fontsize=9)


def _list(axes: Axes, others: Sequence[Check]) -> None:
    axes.set_axis_off()
    axes.set_ylim(len(others) - 0.4, -0.6)
    for place, check in enumerate(others):
        words = shorten(
            f"{check.name}: {_WORDS[check.passed]}; {check.sentence}",
            _LONG_LINE,
            placeholder=" ...",
        )
        axes.text(0.0, place, words, color=_COLOURS[check.passed], va="center", fontsize=9)


def _scale(check: Check, numbers: Mapping[str, float | None]) -> float:
    """Return what turns a check's figures into per cent of the champion's mean."""
    mean = abs(numbers.get(f"{check.group}/{check.metric}/{CHAMPION}") or 0.0)
    return 100.0 / mean if mean else 100.0
