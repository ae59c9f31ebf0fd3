"""How much better a segmenter is with one kind of image than with another."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ssvif.evaluation.probe_statistics import Score, probe_interval, probe_test
from ssvif.probes.counts import Counts

CONFIDENCE = 0.95
RESAMPLES = 2000


@dataclass(frozen=True)
class Lead:
    """A difference of scores, its interval over scenes and trainings, and p over scenes."""

    difference: float
    low: float
    high: float
    p: float

    def __str__(self) -> str:
        """Return two cells of a Markdown table."""
        return f"{self.difference:+.3f} ({self.low:+.3f} to {self.high:+.3f}) | {self.p:.3f}"


def lead(score: Score, counts: Counts, reference: Counts, *, seed: int = 0) -> Lead:
    """Compare two probes on the same pairs, in as many trainings of the same seeds.

    Args:
        score: What is made of the counts.
        counts: Of one probe.
        reference: Of the other one.
        seed: Of what is drawn.
    """
    low, high = probe_interval(
        score, counts, reference, confidence=CONFIDENCE, resamples=RESAMPLES, seed=seed
    )
    p = probe_test(score, counts, reference, resamples=RESAMPLES, seed=seed)
    return Lead(float(score(counts).mean() - score(reference).mean()), low, high, p)


def joined(tables: Sequence[pd.DataFrame]) -> Counts:
    """Join the counts of probes of one repetition each, as repetitions of one probe."""
    seeds = [table.assign(repetition=seed) for seed, table in enumerate(tables)]
    return Counts.from_table(pd.concat(seeds, ignore_index=True))
