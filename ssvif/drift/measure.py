"""Compares new pairs with those that the champion learnt from, measure by measure."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import nan

import numpy as np
import pandas as pd

from ssvif.drift.measures import PROTOTYPES, SCALARS, measured
from ssvif.drift.statistics import Floats, Sample, least_pvalue, shift, superiority
from ssvif.errors import DriftError
from ssvif.evaluation.statistics import holm
from ssvif.params import DriftParams

TOGETHER = ""  # the group of all new pairs

_TAIL = 0.01  # of the reference on either side; what is further out is new to the champion


@dataclass(frozen=True)
class Finding:
    """One measure of one group of new pairs, beside the reference.

    Args:
        group: A set of captures, or `TOGETHER`.
        measure: See `ssvif.drift.measures`.
        reference_pairs: Pairs that the champion learnt from.
        new_pairs: Pairs that it does not know.
        reference_median: Of the measure; NaN for prototypes, as are all but the index and p.
        new_median: The same of the new pairs.
        superiority: Which way they differ, in [-1, 1]; 1: every new pair has more of it.
        spread: Middle half of the new pairs over that of the reference.
        outside: Share of new pairs beyond the outermost 1 % of the reference on either side.
        index: Population stability index, less what chance gives; NaN where nothing is judged.
        pvalue: After Holm's correction, in (0, 1]; NaN where nothing is judged.
        reason: Why it is not judged; empty if it is.
        matters: Whether the index is above its limit and chance does not explain it.
    """

    group: str
    measure: str
    reference_pairs: int
    new_pairs: int
    reference_median: float = nan
    new_median: float = nan
    superiority: float = nan
    spread: float = nan
    outside: float = nan
    index: float = nan
    pvalue: float = nan
    reason: str = ""
    matters: bool = False

    @property
    def judged(self) -> bool:
        """Whether there was enough to judge by."""
        return not self.reason


@dataclass(frozen=True)
class Drift:
    """What came of a measurement.

    Args:
        findings: All new pairs together first, then set by set.
        reference: One row a pair that the champion learnt from; see `measured`.
        new: The same of new pairs.
        prototypes: Shares of prototypes by pair id, where they were measured.
        left_out: What was not measured, and why, as sentences.
        params: What was asked for.
    """

    findings: tuple[Finding, ...]
    reference: pd.DataFrame
    new: pd.DataFrame
    prototypes: pd.DataFrame | None
    left_out: tuple[str, ...]
    params: DriftParams

    @property
    def judged(self) -> bool:
        """Whether anything could be judged."""
        return any(finding.judged for finding in self.findings)

    @property
    def matters(self) -> bool:
        """Whether the new pairs, or those of one set, differ so much that it matters."""
        return any(finding.matters for finding in self.findings)

    @property
    def undecided(self) -> tuple[Finding, ...]:
        """Differences above the limit of the index that chance may explain."""
        limit = self.params.stability_index
        return tuple(one for one in self.findings if one.index > limit and not one.matters)


@dataclass(frozen=True)
class _Case:
    """A finding in the making: the pairs of both sides, and the columns that are compared."""

    finding: Finding
    reference: pd.DataFrame
    new: pd.DataFrame
    columns: Sequence[str]

    @property
    def block_counts(self) -> tuple[int, int]:
        return self.reference["block"].nunique(), self.new["block"].nunique()


def measure_drift(
    reference: pd.DataFrame,
    new: pd.DataFrame,
    *,
    params: DriftParams,
    seed: int,
    prototypes: pd.DataFrame | str = "",
) -> Drift:
    """Compare new pairs with those that the champion learnt from.

    All new pairs are compared with the whole reference; those of a set that the champion knows
    with its pairs of that set, those of another set with the whole reference. All tests that are
    made count for Holm's correction.

    Args:
        reference: Pairs that the champion was trained on, as rows of its bundle's pairs.
        new: Pairs that it has not seen, as rows of the manifest.
        params: Limits.
        seed: The run's seed.
        prototypes: Shares (N, K) of prototypes of some pairs of both sides, by id; or why there
            are none.

    Raises:
        DriftError: If the champion was trained on no pairs.
    """
    if reference.empty:
        raise DriftError(
            "the champion's bundle names no pairs of the split train, so there is nothing to "
            "compare with; train and register again with `dvc repro`"
        )
    old, fresh = measured(reference), measured(new)
    shares = None if isinstance(prototypes, str) else prototypes
    names = [m.name for m in SCALARS if m.name in old.columns and m.name in fresh.columns]
    left_out = [
        f"{measure.title}: not known of the pairs that the champion learnt from, or of the new ones"
        for measure in SCALARS
        if measure.name not in names
    ]
    if isinstance(prototypes, str) and prototypes:
        left_out.append(f"prototypes: {prototypes}")
    cases = [
        case
        for group, base, members in _groups(old, fresh, params.min_pairs)
        for case in _cases(group, base, members, names, shares)
    ]
    findings = tuple(_judge(cases, params, seed))
    return Drift(findings, old, fresh, shares, tuple(left_out), params)


def _groups(
    reference: pd.DataFrame, new: pd.DataFrame, min_pairs: int
) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Yield each group's name, what it is compared with, and its pairs."""
    yield TOGETHER, reference, new
    sets = sorted(new["set"].unique())
    for name in sets:
        own = reference[reference["set"] == name]
        is_known = len(own) >= min_pairs
        # One set beside the whole reference is all new pairs over again.
        if len(sets) > 1 or (is_known and len(own) < len(reference)):
            yield str(name), own if is_known else reference, new[new["set"] == name]


def _cases(
    group: str,
    reference: pd.DataFrame,
    new: pd.DataFrame,
    names: Sequence[str],
    shares: pd.DataFrame | None,
) -> Iterator[_Case]:
    for name in names:
        described = _describe(reference[name].to_numpy(), new[name].to_numpy())
        finding = Finding(group, name, len(reference), len(new), *described)
        yield _Case(finding, reference, new, [name])
    if shares is not None:
        old, fresh = (side.join(shares, on="id", how="inner") for side in (reference, new))
        finding = Finding(group, PROTOTYPES, len(old), len(fresh))
        yield _Case(finding, old, fresh, list(shares.columns))


def _describe(reference: Floats, new: Floats) -> tuple[float, float, float, float, float]:
    """Return medians, superiority, spread and share outside; see `Finding`."""
    if not len(new):
        return float(np.median(reference)), nan, nan, nan, nan
    low, first, median, third, high = np.quantile(reference, [_TAIL, 0.25, 0.5, 0.75, 1.0 - _TAIL])
    new_first, new_third = np.quantile(new, [0.25, 0.75])
    spread = float((new_third - new_first) / (third - first)) if third > first else nan
    outside = float(((new < low) | (new > high)).mean())
    return float(median), float(np.median(new)), superiority(reference, new), spread, outside


def _judge(cases: Sequence[_Case], params: DriftParams, seed: int) -> Iterator[Finding]:
    enough = [case for case in cases if not _too_few_pairs(case, params)]
    permutations = max(params.permutations, math.ceil(2 * len(enough) / params.level))
    least = {
        id(case): least_pvalue(*case.block_counts, permutations=permutations) for case in enough
    }
    able = [case for case in enough if least[id(case)] * len(enough) < params.level]
    found = [_compare(case, permutations, seed) for case in able]
    corrected = holm(np.array([finding.pvalue for finding in found]))
    judged = {
        id(case): replace(
            finding,
            pvalue=float(pvalue),
            matters=bool(finding.index > params.stability_index and pvalue < params.level),
        )
        for case, finding, pvalue in zip(able, found, corrected, strict=True)
    }
    for case in cases:
        reason = _too_few_pairs(case, params) or _too_few_blocks(case)
        yield judged.get(id(case)) or replace(case.finding, reason=reason)


def _compare(case: _Case, permutations: int, seed: int) -> Finding:
    both = pd.concat([case.reference, case.new])
    values = both[list(case.columns)].to_numpy(np.float64)
    is_new = np.arange(len(both)) >= len(case.reference)
    is_content = case.finding.measure == PROTOTYPES
    sample = Sample.of_shares(values) if is_content else Sample.of_values(values[:, 0], is_new)
    blocks = both["block"].to_numpy(np.str_)
    found = shift(sample, is_new, blocks, permutations=permutations, seed=seed)
    return replace(case.finding, index=found.index, pvalue=found.pvalue)


def _too_few_pairs(case: _Case, params: DriftParams) -> str:
    finding, least = case.finding, params.min_pairs
    needed = f"at least {least} are needed"
    if finding.measure == PROTOTYPES:
        needed = f"of those that were looked at; {needed}"
    if finding.new_pairs < least:
        return f"{_pairs(finding.new_pairs, 'new')}, {needed}"
    if finding.reference_pairs < least:
        return f"{_pairs(finding.reference_pairs, 'learnt')}, {needed}"
    return ""


def _too_few_blocks(case: _Case) -> str:
    reference, new = case.block_counts
    blocks = "1 block" if new == 1 else f"{new} blocks"
    return f"{blocks} of scenes beside {reference} learnt: too few to tell from chance"


def _pairs(count: int, kind: str) -> str:
    return f"1 {kind} pair" if count == 1 else f"{count} {kind} pairs"
