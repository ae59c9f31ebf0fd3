"""The files of an evaluation."""

from pathlib import Path

import pandas as pd

from ssvif.evaluation.candidates import ModelCandidate
from ssvif.evaluation.grid import draw_grid, grid_row
from ssvif.evaluation.lineup import STAGE_ONE, STAGE_TWO
from ssvif.evaluation.pairs import read_scene
from ssvif.evaluation.robustness import ALL_METRICS, robustness, sentences
from ssvif.evaluation.run import Evaluation
from ssvif.evaluation.selection import spread
from ssvif.evaluation.summary import markdown
from ssvif.evaluation.tables import long_form, metrics_json
from ssvif.files import write_json, write_text

GRID = "grid.png"


def write_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write tables for programs and for people, and the picture grid where both stages are.

    Raises:
        StorageError: If a file cannot be written.
    """
    scores, summary = evaluation.scores, evaluation.summary
    split = evaluation.prepared.job.split
    overall = summary[summary["group"] == "all"]
    tables = {
        "pairs.csv": scores.pairs,
        "summary.csv": summary,
        "intervals.csv": evaluation.intervals,
        "statistics.csv": pd.concat([c.table() for c in evaluation.comparisons]),
        "left_out.csv": evaluation.left_out,
        "probes.csv": evaluation.probing.scores,
        "probe_summary.csv": evaluation.probing.summary,
        "probe_statistics.csv": evaluation.probing.statistics,
        "stress.csv": evaluation.stress,
        "robustness.csv": robustness(evaluation.stress),
        "plots/means.csv": long_form(overall, keep=["candidate"]),
        "plots/pairs.csv": long_form(scores.pairs, keep=["candidate", "id", "light"]),
    }
    for name, table in tables.items():
        _write_csv(folder / name, table)
    page = markdown(
        summary,
        scores.branches,
        evaluation.comparisons,
        evaluation.left_out,
        evaluation.probing.summary,
        sentences(evaluation.stress),
        split=split,
    )
    write_text(folder / "summary.md", page)
    metrics = metrics_json(summary, scores.branches, split=split)
    more = {"probes": evaluation.probing.as_dict(), "checks": evaluation.checks}
    kept = tables["robustness.csv"].dropna(subset="robustness")
    kept = kept[kept["metric"] == ALL_METRICS]
    stress = dict(zip(kept["candidate"], kept["robustness"].round(6), strict=True))
    write_json(folder / "metrics.json", {**metrics, **more, "stress": stress})
    write_json(folder / "checks.json", evaluation.checks)
    _write_grid(evaluation, folder)


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    write_text(path, table.to_csv(index=False, float_format="%.6f", lineterminator="\n"))


def _write_grid(evaluation: Evaluation, folder: Path) -> None:
    prepared = evaluation.prepared
    models = {m.name: m for m in prepared.lineup.models if isinstance(m, ModelCandidate)}
    if not {STAGE_ONE, STAGE_TWO} <= set(models):
        return
    shown = prepared.rows[prepared.rows["id"].isin(evaluation.scores.pairs["id"].unique())]
    grid = [
        grid_row(
            read_scene(prepared.job.source.pairs, row, device=prepared.device),
            models[STAGE_ONE],
            models[STAGE_TWO],
            caption=f"{row['set']}, {row['light']}\n{row['name']}",
        )
        for row in spread(shown, prepared.job.params.evaluate.grid_pairs).to_dict("records")
    ]
    draw_grid(folder / GRID, grid, prototypes=len(models[STAGE_TWO].model.prototypes))
