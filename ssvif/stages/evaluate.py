"""DVC stage `evaluate`: scores, probes and compares on the held-out pairs, with a page of it."""

from pathlib import Path

from ssvif import console
from ssvif.evaluation.lineup import STAGE_ONE, STAGE_TWO
from ssvif.evaluation.pairs import project_pairs
from ssvif.evaluation.run import Evaluation, Job, Prepared, evaluate, prepare
from ssvif.evaluation.write import GRID, write_evaluation
from ssvif.files import require_writable, staged_files
from ssvif.params import load_params
from ssvif.report.page import PAGE
from ssvif.report.write import report_evaluation
from ssvif.tracking.record import METRICS_FILE
from ssvif.tracking.run import track_stage

MODELS = Path("models")
REPORTS = Path("reports/evaluate")
RECORD = Path("runs/evaluate")
STAGE_TWO_RECORD = Path("runs/stage_two")


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


def evaluate_to(prepared: Prepared, folder: Path) -> Evaluation:
    """Evaluate, and write the tables and the page.

    Args:
        prepared: What is evaluated.
        folder: Where to; files of an earlier evaluation are replaced.

    Raises:
        StorageError: If the folder cannot be written; nothing has been evaluated then.
        SsvifError: As `evaluate` and `report_evaluation` say.
    """
    require_writable(folder)
    evaluation = evaluate(prepared)
    is_own = prepared.job.models.get(STAGE_TWO) == MODELS / f"{STAGE_TWO}.safetensors"
    record = STAGE_TWO_RECORD / METRICS_FILE if is_own else None
    # No new table beside an old page, whenever this is ended.
    with staged_files(folder) as scratch:
        write_evaluation(evaluation, scratch)
        report_evaluation(evaluation, scratch, record=record)
        if not (scratch / GRID).exists():
            (folder / GRID).unlink(missing_ok=True)  # of an earlier evaluation
    return evaluation


if __name__ == "__main__":
    console.run(main)
