"""DVC stage `evaluate`: scores, probes and compares on the held-out pairs, with a page of it."""

from pathlib import Path

from ssvif import console
from ssvif.evaluation.lineup import STAGE_ONE, STAGE_TWO
from ssvif.evaluation.pairs import project_pairs
from ssvif.evaluation.run import Job, prepare
from ssvif.evaluation.write import GRID
from ssvif.params import load_params
from ssvif.report.page import PAGE
from ssvif.stages.report import evaluate_to
from ssvif.tracking.run import track_stage

MODELS = Path("models")
REPORTS = Path("reports/evaluate")
RECORD = Path("runs/evaluate")


def main() -> None:
    """Evaluate as params.yaml says, in the current folder.

    Raises:
        ManifestError: If the manifest is missing or its held-out split is empty.
        ModelError: If a model is missing or damaged, or fuses to what is not a number.
        ImageError: If a pair's file is missing or damaged.
    """
    params = load_params()
    job = Job(
        source=project_pairs(),
        split=params.evaluate.split,
        models={stage: MODELS / f"{stage}.safetensors" for stage in (STAGE_ONE, STAGE_TWO)},
        folders={},
        params=params,
    )
    prepared = prepare(job)
    with track_stage("evaluate", params=params, record=RECORD, live=False) as run:
        evaluation = evaluate_to(prepared, REPORTS)
        run.log(0, evaluation.figures)
        run.add_artifact(REPORTS / GRID)
        run.add_artifact(REPORTS / PAGE)


def own_models() -> dict[str, Path]:
    """Return the weights that the current folder's pipeline has trained so far, by stage."""
    weights = {stage: MODELS / f"{stage}.safetensors" for stage in (STAGE_ONE, STAGE_TWO)}
    return {stage: path for stage, path in weights.items() if path.exists()}


if __name__ == "__main__":
    console.run(main)
