"""One evaluation from end to end: the DVC stage and `ssvif evaluate` both call it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from ssvif.evaluation.compare import Comparison, compare
from ssvif.evaluation.lineup import Lineup, open_lineup
from ssvif.evaluation.pairs import PairSource
from ssvif.evaluation.scores import Scores, score_pairs
from ssvif.evaluation.selection import held_out
from ssvif.evaluation.tables import interval_table, metrics_of, summarise
from ssvif.metrics.table import STANDARD, Metric
from ssvif.params import Params

CAPTURES = "captures"  # stands where left_out.csv names who lacks a pair

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What shall be evaluated.

    Args:
        source: The pairs.
        split: `train`, `val`, `test` or `all`.
        models: Weights files by name.
        folders: Folders of fused images by name.
        params: seed, evaluate, probes and stress.
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
        device: Where networks and metrics run.
    """

    job: Job
    rows: pd.DataFrame
    lineup: Lineup
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
        left_out: What was not compared: pair, candidate, reason.
    """

    prepared: Prepared
    scores: Scores
    summary: pd.DataFrame
    intervals: pd.DataFrame
    comparisons: tuple[Comparison, ...]
    left_out: pd.DataFrame

    @property
    def figures(self) -> dict[str, float]:
        """The means by `evaluate/CANDIDATE/METRIC`."""
        overall = self.summary[self.summary["group"] == "all"]
        names = [*(metric.acronym for metric in metrics_of(overall)), "mean_rank"]
        return {
            f"evaluate/{row['candidate']}/{name}": float(row[name])
            for row in overall.to_dict("records")
            for name in names
        }


def prepare(job: Job) -> Prepared:
    """Open all that a job names, so that refusals come before long work.

    Raises:
        ManifestError: If the split has no pairs.
        EvaluationError: If a name is taken, or a folder has no image of these pairs.
        ModelError: If a model is missing or damaged.
    """
    manifest, params = job.source.manifest, job.params.evaluate
    rows = held_out(manifest, split=job.split, max_pairs=params.max_pairs)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    lineup = open_lineup(
        rows,
        manifest=manifest,
        pairs=job.source.pairs,
        models=job.models,
        folders=job.folders,
        device=device,
    )
    return Prepared(job, rows, lineup, device)


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
    refused = pd.DataFrame(
        [(pair, CAPTURES, reason) for pair, reason in job.source.refused.items()],
        columns=scores.left_out.columns,
    )
    summary = summarise(scores.pairs)
    _log_ranks(summary)
    return Evaluation(
        prepared=prepared,
        scores=scores,
        summary=summary,
        intervals=interval_table(
            scores.pairs, confidence=params.confidence, resamples=params.resamples, seed=seed
        ),
        comparisons=_compare(prepared, scores.pairs),
        left_out=pd.concat([scores.left_out, refused], ignore_index=True),
    )


def _compare(prepared: Prepared, pairs: pd.DataFrame) -> tuple[Comparison, ...]:
    params, judged = prepared.job.params, prepared.lineup.judged
    return tuple(
        compare(
            pairs,
            candidate=judged,
            reference=other.name,
            metrics=[metric.acronym for metric in prepared.job.metrics],
            confidence=params.evaluate.confidence,
            resamples=params.evaluate.resamples,
            seed=params.seed,
        )
        for other in prepared.lineup.scored
        if other.name != judged
    )


def _log_ranks(summary: pd.DataFrame) -> None:
    overall = summary[summary["group"] == "all"]
    ordered = sorted(zip(overall["mean_rank"], overall["candidate"], strict=True))
    _log.info("mean rank: %s", ", ".join(f"{name} {rank:.2f}" for rank, name in ordered))
