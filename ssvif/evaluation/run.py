"""One evaluation from end to end: the DVC stage and `ssvif evaluate` both call it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import torch

from ssvif.errors import EvaluationError
from ssvif.evaluation.checks import run_checks
from ssvif.evaluation.compare import Comparison, compare
from ssvif.evaluation.lineup import Lineup, open_lineup
from ssvif.evaluation.pairs import PairSource, read_scene
from ssvif.evaluation.probing import Probing, Resampling, probe_candidates
from ssvif.evaluation.scores import Scores, score_pairs
from ssvif.evaluation.selection import held_out
from ssvif.evaluation.stress import STRESS_COLUMNS
from ssvif.evaluation.stressing import stress
from ssvif.evaluation.summary import PROBE
from ssvif.evaluation.tables import interval_table, metrics_of, summarise
from ssvif.metrics.table import STANDARD, Metric
from ssvif.params import Params
from ssvif.probes.tasks import LeftOut, ProbeTask, load_tasks

CAPTURES = "captures"  # stands where left_out.csv names who lacks a pair
LEFT_OUT = ["pair", "candidate", "reason"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What shall be evaluated.

    Args:
        source: The pairs.
        split: `train`, `val`, `test` or `all`.
        models: Weights files by name.
        folders: Folders of fused images by name.
        params: seed, evaluate, probes, stress, and the temperature of the branches.
        metrics: What is scored.
    """

    source: PairSource
    split: str
    models: Mapping[str, Path]
    folders: Mapping[str, Path]
    params: Params
    metrics: Sequence[Metric] = STANDARD


@dataclass(frozen=True)
class Prepared:
    """A job whose parts are all there.

    Args:
        job: What shall be evaluated.
        rows: The pairs.
        lineup: The candidates.
        tasks: What probes are asked; none where nothing is labelled, or probing is off.
        unused: Labelled pairs that no probe uses: pair, candidate, reason.
        device: Where networks and metrics run.
    """

    job: Job
    rows: pd.DataFrame
    lineup: Lineup
    tasks: tuple[ProbeTask, ...]
    unused: pd.DataFrame
    device: torch.device


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Args:
        prepared: What was evaluated.
        scores: Scores of every pair and candidate.
        summary: Means and mean ranks.
        intervals: Intervals of the means.
        comparisons: The judged candidate with every other.
        probing: What probes found; empty where there was nothing to ask.
        checks: Label-free checks by candidate and check, where there was something to check.
        stress: Scores under degradations; no rows unless it was asked for.
        left_out: What was not compared: pair, candidate, reason.
    """

    prepared: Prepared
    scores: Scores
    summary: pd.DataFrame
    intervals: pd.DataFrame
    comparisons: tuple[Comparison, ...]
    probing: Probing
    checks: Mapping[str, Mapping[str, float]]
    stress: pd.DataFrame
    left_out: pd.DataFrame

    @property
    def figures(self) -> dict[str, float]:
        """The means by `evaluate/CANDIDATE/METRIC` and `evaluate/CANDIDATE/probe/TASK/SCORE`."""
        overall = self.summary[self.summary["group"] == "all"]
        names = [*(metric.acronym for metric in metrics_of(overall)), "mean_rank"]
        figures = {
            f"evaluate/{row['candidate']}/{name}": float(row[name])
            for row in overall.to_dict("records")
            for name in names
        }
        for task, candidates in self.probing.as_dict().items():
            for candidate, scores in candidates.items():
                for name, value in scores.items():
                    figures[f"evaluate/{candidate}/probe/{task}/{name}"] = value
        return figures


def prepare(job: Job) -> Prepared:
    """Open all that a job names, so that refusals come before long work.

    Raises:
        ManifestError: If the split has no pairs.
        EvaluationError: If a name is taken, or a folder has no image of these pairs or none that
            anything could use.
        LabelError: If probes are asked for, and the table of classes cannot be read.
        ModelError: If a model is missing or damaged.
    """
    manifest, params = job.source.manifest, job.params.evaluate
    rows = held_out(manifest, split=job.split, max_pairs=params.max_pairs)
    tasks, unused = _tasks(job) if params.probe else ([], [])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    lineup = open_lineup(
        rows,
        manifest=manifest,
        pairs=job.source.pairs,
        models=job.models,
        folders=job.folders,
        device=device,
    )
    _require_use(lineup, tasks)
    left_out = [(found.pair, f"{PROBE}{found.kind}", found.reason) for found in unused]
    table = pd.DataFrame(left_out, columns=LEFT_OUT)
    return Prepared(job, rows, lineup, tuple(tasks), table, device)


def evaluate(prepared: Prepared) -> Evaluation:
    """Score, probe, check and compare.

    Raises:
        EvaluationError: If there is no pair that every candidate has.
        ImageError: If a pair's own file is missing or damaged.
        ModelError: If a model fuses to what is not a number.
    """
    job, lineup = prepared.job, prepared.lineup
    scores = score_pairs(
        prepared.rows,
        lineup.scored,
        folder=job.source.pairs,
        device=prepared.device,
        metrics=job.metrics,
    )
    params, seed = job.params.evaluate, job.params.seed
    probing = _probe(prepared)
    refused = [(pair, CAPTURES, reason) for pair, reason in job.source.refused.items()]
    no_label = [(pair, f"{PROBE}labels", why) for pair, why in job.source.unlabelled.items()]
    left_out = [
        scores.left_out,
        pd.DataFrame(refused, columns=LEFT_OUT),
        pd.DataFrame(no_label, columns=LEFT_OUT),
        prepared.unused,
        probing.left_out,
    ]
    summary = summarise(scores.pairs)
    _log_ranks(summary)
    return Evaluation(
        prepared=prepared,
        scores=scores,
        summary=summary,
        intervals=interval_table(
            scores.pairs, confidence=params.confidence, resamples=params.resamples, seed=seed
        ),
        comparisons=tuple(
            _compare(job, scores.pairs, lineup.judged, other.name)
            for other in lineup.scored
            if other.name != lineup.judged
        ),
        probing=probing,
        checks=_check(prepared, scores.pairs),
        stress=_stress(prepared, probing),
        left_out=pd.concat(left_out, ignore_index=True),
    )


def _require_use(lineup: Lineup, tasks: Sequence[ProbeTask]) -> None:
    """Refuse a folder that is neither scored nor probed: no table would have a word about it."""
    for folder in lineup.folders:
        if not folder.fused and not tasks:
            raise EvaluationError(
                f"{folder.name}: its images are smaller than the pairs, which only probes may use, "
                "and no probe is trained; fuse at the full size, or have labels and --probe"
            )


def _tasks(job: Job) -> tuple[list[ProbeTask], list[LeftOut]]:
    # Of pairs that are evaluated all together, those of the split `test` test.
    split = job.split if job.split in ("val", "test") else "test"
    return load_tasks(job.source.manifest, job.source.labels, job.params.probes, split=split)


def _probe(prepared: Prepared) -> Probing:
    job, params = prepared.job, prepared.job.params
    resampling = Resampling(params.evaluate.confidence, params.evaluate.resamples, params.seed)
    return probe_candidates(
        prepared.tasks,
        prepared.lineup.probed,
        job.source,
        params.probes,
        judged=prepared.lineup.judged,
        resampling=resampling,
        device=prepared.device,
    )


def _check(prepared: Prepared, pairs: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Check the candidates on the pairs that all of them have."""
    job, rows = prepared.job, prepared.rows
    found = run_checks(
        rows[rows["id"].isin(pairs["id"].unique())],
        prepared.lineup.scored,
        read=lambda row: read_scene(job.source.pairs, row, device=prepared.device),
        temperature=job.params.consistency.temperature,
    )
    return {
        candidate: {name: value for name, value in checks.items() if value is not None}
        for candidate, checks in found.items()
    }


def _stress(prepared: Prepared, probing: Probing) -> pd.DataFrame:
    job, params = prepared.job, prepared.job.params
    if not params.evaluate.stress:
        return pd.DataFrame(columns=STRESS_COLUMNS)
    _log.info("stress: %d pairs at most under every degradation", params.stress.max_pairs)
    return stress(
        prepared.rows,
        prepared.lineup.probed,
        probing,
        params.stress,
        pairs=job.source.pairs,
        seed=params.seed,
        device=prepared.device,
    )


def compare_two(job: Job, *, candidate: str, reference: str) -> Comparison:
    """Score two candidates on the pairs that both have, and compare them.

    Args:
        job: The pairs, and where the models and folders are.
        candidate: The one that is judged: `mean`, `max`, or a model's or folder's name.
        reference: What it is judged against, named likewise.

    Raises:
        EvaluationError: If a folder has no image of these pairs, or no pair is left.
        ManifestError: If the split has no pairs.
        ModelError: If a model is missing or damaged, or fuses to what is not a number.
    """
    off = job.params.evaluate.model_copy(update={"probe": False, "stress": False})
    prepared = prepare(replace(job, params=job.params.model_copy(update={"evaluate": off})))
    by_name = {found.name: found for found in prepared.lineup.scored}
    scores = score_pairs(
        prepared.rows,
        [by_name[name] for name in dict.fromkeys((candidate, reference))],
        folder=job.source.pairs,
        device=prepared.device,
        metrics=job.metrics,
    )
    return _compare(job, scores.pairs, candidate, reference)


def _compare(job: Job, pairs: pd.DataFrame, candidate: str, reference: str) -> Comparison:
    params = job.params
    return compare(
        pairs,
        candidate=candidate,
        reference=reference,
        metrics=[metric.acronym for metric in job.metrics],
        confidence=params.evaluate.confidence,
        resamples=params.evaluate.resamples,
        seed=params.seed,
    )


def _log_ranks(summary: pd.DataFrame) -> None:
    overall = summary[summary["group"] == "all"]
    ordered = sorted(zip(overall["mean_rank"], overall["candidate"], strict=True))
    _log.info("mean rank: %s", ", ".join(f"{name} {rank:.2f}" for rank, name in ordered))
