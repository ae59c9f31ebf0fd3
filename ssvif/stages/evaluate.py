"""DVC stage `evaluate`: scores both models and plain fusion on the held-out pairs."""

import logging
from pathlib import Path

import pandas as pd
import torch

from ssvif import console
from ssvif.data.manifest import PAIRS_FOLDER, read_manifest
from ssvif.evaluation.candidates import MAX, MEAN, ModelCandidate
from ssvif.evaluation.grid import draw_grid, grid_row
from ssvif.evaluation.pairs import read_scene
from ssvif.evaluation.scores import Scores, score_pairs
from ssvif.evaluation.selection import held_out, spread
from ssvif.evaluation.tables import ACRONYMS, long_form, markdown, metrics_json, summarise
from ssvif.files import write_json, write_text
from ssvif.models.weights import load_model
from ssvif.params import EvaluateParams, load_params
from ssvif.tracking.run import track_stage

MODELS = Path("models")
REPORTS = Path("reports/evaluate")
GRID = "grid.png"
RECORD = Path("runs/evaluate")

_log = logging.getLogger(__name__)


def main() -> None:
    """Evaluate as params.yaml says, in the current folder.

    Raises:
        ManifestError: If the manifest is missing or its held-out split is empty.
        ModelError: If a model is missing or damaged, or fuses to what is not a number.
        ImageError: If a pair's file is missing or damaged.
    """
    everything = load_params()
    params = everything.evaluate
    rows = held_out(read_manifest(), split=params.split, max_pairs=params.max_pairs)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    one, two = (
        ModelCandidate(stage, load_model(MODELS / f"{stage}.safetensors").to(device))
        for stage in ("stage_one", "stage_two")
    )
    with track_stage("evaluate", params=everything, record=RECORD, live=False) as run:
        scores = score_pairs(rows, (one, two, MEAN, MAX), folder=PAIRS_FOLDER, device=device)
        means = _write_tables(scores, split=params.split)
        _write_grid(rows, (one, two), params=params, device=device)
        run.log(0, means)
        run.add_artifact(REPORTS / GRID)


def _write_tables(scores: Scores, *, split: str) -> dict[str, float]:
    """Write the tables, and return the means by `evaluate/CANDIDATE/METRIC`."""
    summary = summarise(scores.pairs)
    overall = summary[summary["group"] == "all"]
    _write_csv("pairs.csv", scores.pairs)
    _write_csv("summary.csv", summary)
    _write_csv("plots/means.csv", long_form(overall, keep=["candidate"]))
    _write_csv("plots/pairs.csv", long_form(scores.pairs, keep=["candidate", "id", "light"]))
    write_text(REPORTS / "summary.md", markdown(summary, scores.branches, split=split))
    write_json(REPORTS / "metrics.json", metrics_json(summary, scores.branches, split=split))
    ranks = sorted(zip(overall["mean_rank"], overall["candidate"], strict=True))
    _log.info("mean rank: %s", ", ".join(f"{name} {rank:.2f}" for rank, name in ranks))
    return {
        f"evaluate/{row['candidate']}/{acronym}": row[acronym]
        for row in overall.to_dict("records")
        for acronym in ACRONYMS
    }


def _write_csv(name: str, table: pd.DataFrame) -> None:
    write_text(REPORTS / name, table.to_csv(index=False, float_format="%.6f", lineterminator="\n"))


def _write_grid(
    rows: pd.DataFrame,
    stages: tuple[ModelCandidate, ModelCandidate],
    *,
    params: EvaluateParams,
    device: torch.device,
) -> None:
    grid = [
        grid_row(
            read_scene(PAIRS_FOLDER, row, device=device),
            *stages,
            caption=f"{row['set']}, {row['light']}\n{row['name']}",
        )
        for row in spread(rows, params.grid_pairs).to_dict("records")
    ]
    prototypes = len(stages[1].model.prototypes)
    draw_grid(REPORTS / GRID, grid, prototypes=prototypes)


if __name__ == "__main__":
    console.run(main)
