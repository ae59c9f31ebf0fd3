"""The page of an evaluation that has just been made."""

from collections.abc import Iterator
from pathlib import Path

from ssvif.evaluation.candidates import ModelCandidate, segment
from ssvif.evaluation.pairs import read_scene
from ssvif.evaluation.run import Evaluation
from ssvif.report.lineage import lineage
from ssvif.report.page import write_report
from ssvif.report.pictures import PicturePair, choose_pairs, picture_pair
from ssvif.tracking.journal import read_table


def report_evaluation(evaluation: Evaluation, folder: Path, *, record: Path | None = None) -> Path:
    """Write the page beside an evaluation's tables.

    Args:
        evaluation: What was found; its tables are in `folder` already.
        folder: Such as `reports/evaluate`.
        record: `metrics.csv` of stage two's run record; without the file, the dynamic weight is
            left out.

    Returns:
        The page's file.

    Raises:
        EvaluationError: If a table is missing or damaged.
        ImageError: If a pair's file is missing or damaged.
        StorageError: If the page cannot be written.
    """
    job = evaluation.prepared.job
    schedule = []
    if record is not None and record.is_file():
        rows = read_table(record.read_text(encoding="utf-8"), time_ms=0)
        schedule = [(row.step, row.values) for row in rows]
    return write_report(
        folder,
        pictures=list(_pictures(evaluation)),
        lineage=lineage(
            job.params,
            models=job.models,
            pairs=evaluation.prepared.rows["id"],
            split=job.split,
        ),
        schedule=schedule,
        model=evaluation.prepared.lineup.judged,
    )


def _pictures(evaluation: Evaluation) -> Iterator[PicturePair]:
    prepared = evaluation.prepared
    judged = {candidate.name: candidate for candidate in prepared.lineup.scored}[
        prepared.lineup.judged
    ]
    rows = {str(row["id"]): row for row in prepared.rows.to_dict("records")}
    for chosen in choose_pairs(evaluation.scores.pairs, judged.name):
        row = rows[chosen.id]
        scene = read_scene(prepared.job.source.pairs, row, device=prepared.device)
        found = segment(scene, judged.model) if isinstance(judged, ModelCandidate) else None
        yield picture_pair(chosen, scene, prepared.lineup.scored, found)
