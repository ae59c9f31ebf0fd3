"""Two candidates on the same pairs: which is better, by how much, and how sure that is."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isnan

import pandas as pd

from ssvif.errors import EvaluationError
from ssvif.evaluation.labels import label, plural
from ssvif.evaluation.statistics import (
    COARSE_BLOCKS,
    MIN_BLOCKS,
    Blocks,
    holm,
    holm_can_pass,
    intervals,
    rank_biserial,
    sign_test,
)
from ssvif.metrics.table import METRICS
from ssvif.seeding import derive_seed

_DIRECTIONS = {metric.acronym: metric.higher_is_better for metric in METRICS}


@dataclass(frozen=True)
class MetricComparison:
    """One metric of two candidates; what is not known for want of blocks is NaN.

    Args:
        metric: Its acronym.
        higher_is_better: Its direction.
        candidate: Mean score of the candidate.
        reference: Mean score of the reference.
        difference: Candidate less reference.
        low: Lower bound of the difference.
        high: Upper bound of it.
        p: Two-sided p value of the permutation test.
        p_holm: The same, corrected for the number of metrics.
        effect: Matched-pairs rank-biserial correlation over blocks, in [-1, 1]; positive where
            the candidate scores higher.
    """

    metric: str
    higher_is_better: bool
    candidate: float
    reference: float
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    effect: float

    @property
    def gain(self) -> float:
        """The difference, positive where the candidate is better."""
        return self.difference if self.higher_is_better else -self.difference


@dataclass(frozen=True)
class Comparison:
    """Two candidates over several metrics.

    Args:
        candidate: The one that is judged.
        reference: What it is judged against.
        pairs: Pairs that both have.
        blocks: Blocks of neighbouring frames these come from.
        confidence: Of the intervals.
        metrics: One a metric.
    """

    candidate: str
    reference: str
    pairs: int
    blocks: int
    confidence: float
    metrics: tuple[MetricComparison, ...]

    def wins(self) -> tuple[MetricComparison, ...]:
        """Metrics on which the candidate is better, beyond chance (Holm's p)."""
        return self._sure("p_holm", 1)

    def losses(self) -> tuple[MetricComparison, ...]:
        """Metrics on which the reference is better, beyond chance."""
        return self._sure("p_holm", -1)

    @property
    def sentence(self) -> str:
        """Who wins where, for people."""
        if not any(m.difference for m in self.metrics):
            names = f"{label(self.candidate)} and {label(self.reference)}"
            return f"{names} have equal means on every metric"
        if self.blocks < MIN_BLOCKS:
            are = "is" if self.blocks == 1 else "are"
            return (
                f"{label(self.candidate)} has the better mean on {self._ahead(1)}; "
                f"{label(self.reference)} on {self._ahead(-1)}; {plural(self.blocks, 'block')} of "
                f"scenes {are} too few to tell that from chance (at least {MIN_BLOCKS}; "
                "ingest.block_size says how many neighbours make one)"
            )
        sides = f"{label(self.candidate)} against {label(self.reference)}"
        if holm_can_pass(self.blocks, tests=len(self.metrics), level=self._level):
            coarse = "; with so few blocks intervals are rather too narrow"
            note = coarse if self.blocks < COARSE_BLOCKS else ""
            return f"{sides}: {self._verdict('p_holm')}{note}"
        return (
            f"{sides}, each metric by itself: {self._verdict('p')}; {self.blocks} blocks of scenes "
            f"are too few for any of {len(self.metrics)} metrics to pass Holm's correction"
        )

    def as_dict(self) -> dict[str, object]:
        """Return the comparison as JSON; what is not known is null."""
        metrics = {
            m.metric: {
                key: None if isinstance(value, float) and isnan(value) else value
                for key, value in asdict(m).items()
                if key != "metric"
            }
            for m in self.metrics
        }
        return {**asdict(self), "metrics": metrics, "sentence": self.sentence}

    def table(self) -> pd.DataFrame:
        """Return a row a metric, with the columns of statistics.csv."""
        rows = [
            {
                "metric": m.metric,
                "candidate": self.candidate,
                "reference": self.reference,
                **{
                    key: getattr(m, key)
                    for key in ("difference", "low", "high", "p", "p_holm", "effect")
                },
                "pairs": self.pairs,
                "blocks": self.blocks,
            }
            for m in self.metrics
        ]
        return pd.DataFrame(rows)

    @property
    def _level(self) -> float:
        return 1.0 - self.confidence

    def _ahead(self, sign: int) -> str:
        return _listed([m.metric for m in self.metrics if m.gain * sign > 0.0])

    def _sure(self, which: str, sign: int) -> tuple[MetricComparison, ...]:
        return tuple(
            m for m in self.metrics if getattr(m, which) < self._level and m.gain * sign > 0.0
        )

    def _verdict(self, which: str) -> str:
        """Say who wins where, going by `p` or by `p_holm`."""
        wins, losses = self._sure(which, 1), self._sure(which, -1)
        sides = ((label(self.candidate), wins), (label(self.reference), losses))
        parts = [f"{name} wins on {_listed([m.metric for m in won])}" for name, won in sides if won]
        even = [m.metric for m in self.metrics if m not in (*wins, *losses)]
        if even:
            parts.append(f"chance alone may explain {_listed(even)}")
        return "; ".join(parts)


def compare(
    scores: pd.DataFrame,
    *,
    candidate: str,
    reference: str,
    metrics: Sequence[str],
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Compare two candidates on the pairs that both have.

    Args:
        scores: One row a pair and candidate: id, block, candidate and the metrics, as in
            pairs.csv.
        candidate: The one that is judged.
        reference: What it is judged against.
        metrics: Acronyms of the columns to compare.
        confidence: Of the intervals; 1 less it is what Holm's p must stay below.
        resamples: Of the bootstrap and of the permutation test.
        seed: The run's seed.

    Raises:
        EvaluationError: If there is no pair that both have.
    """
    names = list(metrics)
    first, second = (_of(scores, name, names) for name in (candidate, reference))
    common = first.index.intersection(second.index)
    if common.empty:
        raise EvaluationError(
            f"expected pairs that {candidate} and {reference} both have, found none; "
            f"the scores are of {', '.join(sorted(scores['candidate'].unique()))}"
        )
    first, second = first.loc[common], second.loc[common]
    blocks = scores.drop_duplicates("id").set_index("id")["block"].loc[common]
    differences = Blocks.of(first - second, blocks)
    own = derive_seed(seed, "compare")
    bounds = intervals(differences, confidence=confidence, resamples=resamples, seed=own)
    pvalues = sign_test(differences, resamples=resamples, seed=own)
    columns = zip(
        names, first.mean(), second.mean(), differences.means, bounds[:, 0], bounds[:, 1],
        pvalues, holm(pvalues), rank_biserial(differences), strict=True,
    )  # fmt: skip
    return Comparison(
        candidate=candidate,
        reference=reference,
        pairs=len(common),
        blocks=differences.count,
        confidence=confidence,
        metrics=tuple(
            MetricComparison(name, _DIRECTIONS.get(name, True), *map(float, values))
            for name, *values in columns
        ),
    )


def _of(scores: pd.DataFrame, candidate: str, metrics: list[str]) -> pd.DataFrame:
    return scores[scores["candidate"] == candidate].set_index("id")[metrics].sort_index()


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
