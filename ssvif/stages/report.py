"""An evaluation as files and as a page; what the DVC stage and `ssvif evaluate` have in common."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ssvif.evaluation.candidates import segment
from ssvif.evaluation.lineup import STAGE_TWO
from ssvif.evaluation.pairs import read_scene
from ssvif.evaluation.run import Evaluation, Prepared, evaluate
from ssvif.evaluation.write import write_evaluation
from ssvif.files import sha256_file, sha256_json
from ssvif.report.page import write_report
from ssvif.report.pictures import PicturePair, choose_pairs, picture_pair
from ssvif.tracking.facts import COMMIT_TAG, DIRTY_TAG, describe_stage
from ssvif.tracking.record import METRICS_FILE, read_record

STAGE_TWO_RECORD = Path("runs/stage_two")

_SHORT = 12


def evaluate_to(prepared: Prepared, folder: Path) -> Evaluation:
    """Evaluate, and write the tables and the page.

    Args:
        prepared: What is evaluated.
        folder: Where to; files of an earlier evaluation are replaced.

    Raises:
        SsvifError: As `evaluate` and `write_report` say.
    """
    evaluation = evaluate(prepared)
    write_evaluation(evaluation, folder)
    write_report(
        folder,
        pictures=_pictures(evaluation),
        lineage=_lineage(prepared),
        schedule=_schedule(prepared),
        model=prepared.lineup.judged,
    )
    return evaluation


def _pictures(evaluation: Evaluation) -> list[PicturePair]:
    """Fuse and segment the pairs that the page shows."""
    prepared = evaluation.prepared
    lineup, rows = prepared.lineup, prepared.rows.set_index("id", drop=False)
    judged = next((model for model in lineup.models if model.name == lineup.judged), None)
    pictures = []
    for chosen in choose_pairs(evaluation.scores.pairs, lineup.judged):
        row = rows.loc[chosen.id].to_dict()
        scene = read_scene(prepared.job.source.pairs, row, device=prepared.device)
        segmentations = segment(scene, judged.model) if judged else None
        pictures.append(picture_pair(chosen, scene, lineup.scored, segmentations))
    return pictures


def _lineage(prepared: Prepared) -> Mapping[str, str]:
    job = prepared.job
    tags = describe_stage("evaluate", job.params, {}).tags
    changed = " with changes that were not committed" if tags[DIRTY_TAG] == "true" else ""
    return {
        "commit": tags[COMMIT_TAG][:_SHORT] + changed,
        "pairs": sha256_json(sorted(prepared.rows["id"]))[:_SHORT],
        **{f"weights of {name}": sha256_file(path)[:_SHORT] for name, path in job.models.items()},
        "split": job.split,
        "seed": str(job.params.seed),
    }


def _schedule(prepared: Prepared) -> Sequence[tuple[int, Mapping[str, float]]]:
    """Return what stage two logged, where the pipeline's own model is evaluated."""
    if STAGE_TWO not in prepared.job.models or not (STAGE_TWO_RECORD / METRICS_FILE).is_file():
        return ()
    return [(row.step, row.values) for row in read_record(STAGE_TWO_RECORD).rows]
