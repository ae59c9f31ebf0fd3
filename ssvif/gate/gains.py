"""What the challenger gains on each metric, by groups of pairs, with intervals over blocks."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd

from ssvif.evaluation.statistics import Blocks, Floats, intervals, sign_test
from ssvif.evaluation.tables import metrics_of
from ssvif.gate.models import CHALLENGER, CHAMPION
from ssvif.seeding import derive_seed

ALL = "all"


@dataclass(frozen=True)
class Gain:
    """One metric on one group of pairs; what is not known for want of blocks is NaN.

    Args:
        group: Name of the group; `all` has every held-out pair.
        metric: Its acronym.
        champion: Mean score of the champion.
        challenger: Mean score of the challenger.
        value: Challenger less champion, turned so that more is better.
        low: Lower bound of its interval.
        high: Upper bound of it.
        p: Two-sided p value that the gain is no other than the one asked for (see
            `measure_gains`); NaN but for `all`.
        pairs: How many pairs there are.
        blocks: How many blocks of neighbouring frames these come from.
    """

    group: str
    metric: str
    champion: float
    challenger: float
    value: float
    low: float
    high: float
    p: float
    pairs: int
    blocks: int

    @property
    def share(self) -> float:
        """The gain as a share of the champion's mean; infinite where that is 0."""
        return self.of_champion(self.value)

    def of_champion(self, value: float) -> float:
        """Return a value in the metric's unit as a share of the champion's mean."""
        scale = abs(self.champion)
        return value / scale if scale else float(np.sign(value)) * np.inf if value else 0.0


@dataclass(frozen=True)
class Paired:
    """Both models' scores, pair by pair.

    Args:
        champion: A row a pair (by id), a column a metric.
        challenger: The same shape.
        blocks: The block of each pair.
    """

    champion: pd.DataFrame
    challenger: pd.DataFrame
    blocks: "pd.Series[str]"

    @classmethod
    def of(cls, scores: pd.DataFrame) -> "Paired":
        """Sort scores, one row a pair and candidate as `score_pairs` makes them."""
        acronyms = [metric.acronym for metric in metrics_of(scores)]
        tables = {
            str(name): rows.set_index("id").sort_index()
            for name, rows in scores.groupby("candidate")
        }
        champion, challenger = tables[CHAMPION], tables[CHALLENGER]
        return cls(champion[acronyms], challenger[acronyms], champion["block"])

    @property
    def gains(self) -> pd.DataFrame:
        """The gain of each pair and metric, positive where the challenger is better."""
        difference = self.challenger - self.champion
        for metric in metrics_of(difference):
            if not metric.higher_is_better:
                difference[metric.acronym] *= -1.0
        return difference


def measure_gains(
    paired: Paired,
    groups: Mapping[str, Collection[str]],
    *,
    asked: float,
    confidence: float,
    resamples: int,
    seed: int,
) -> list[Gain]:
    """Measure every metric on every group.

    Args:
        paired: The scores.
        groups: Ids by group; `all` among them. A group without pairs is left out.
        asked: The share of the champion's mean that p is about; 0 asks for any gain.
        confidence: Of the intervals.
        resamples: Of the bootstrap and of the permutation test.
        seed: The run's seed.
    """
    found: list[Gain] = []
    own = derive_seed(seed, "gate")
    gains = paired.gains
    for group, ids in groups.items():
        members = gains.index.isin(list(ids))
        if not members.any():
            continue
        blocks = Blocks.of(gains[members], paired.blocks[members])
        means = paired.champion[members].mean()
        bounds = intervals(blocks, confidence=confidence, resamples=resamples, seed=own)
        limits = asked * means.abs().to_numpy(np.float64)
        p = _beyond(blocks, limits, resamples=resamples, seed=own) if group == ALL else None
        for place, metric in enumerate(gains.columns):
            found.append(
                Gain(
                    group=group,
                    metric=str(metric),
                    champion=float(means[metric]),
                    challenger=float(paired.challenger.loc[members, metric].mean()),
                    value=float(blocks.means[place]),
                    low=float(bounds[place, 0]),
                    high=float(bounds[place, 1]),
                    p=nan if p is None else float(p[place]),
                    pairs=int(members.sum()),
                    blocks=blocks.count,
                )
            )
    return found


def _beyond(blocks: Blocks, limits: Floats, *, resamples: int, seed: int) -> Floats:
    """Return p values (M,) that the mean gains are the limits."""
    shifted = Blocks(blocks.sums - limits[:, None] * blocks.counts, blocks.counts)
    return sign_test(shifted, resamples=resamples, seed=seed)
