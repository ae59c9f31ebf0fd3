"""What a measurement says, in sentences that people understand."""

from collections.abc import Sequence

from ssvif.drift.measure import TOGETHER, Drift, Finding
from ssvif.drift.measures import BY_NAME, PROTOTYPES

_NAMED = 3  # differences in a sentence
_NEGLIGIBLE = 0.147  # of the superiority; Romano et al. 2006


def sentence(drift: Drift, champion: str) -> str:
    """Say in one sentence what was found, and what to do.

    Args:
        drift: What was found.
        champion: What the champion is called, such as `version 3`.
    """
    pairs = len(drift.new)
    if not pairs:
        return f"There are no new captures since {champion} was trained: nothing to do."
    if not drift.judged:
        reason = drift.findings[0].reason
        return f"New captures cannot be judged yet ({reason}): bring in more."
    together = _mattering(drift, TOGETHER)
    if together:
        return f"New captures are {_list(together)} than what {champion} learnt: retrain."
    groups = dict.fromkeys(finding.group for finding in drift.findings if finding.matters)
    if groups:
        found = "; those ".join(
            f"of {name} are {_list(_mattering(drift, name))}" for name in groups
        )
        return f"New captures {found} than what {champion} learnt: retrain."
    if drift.undecided:
        alike = f"Whether new captures are like what {champion} learnt"
        return f"{alike} cannot be told yet: bring in more."
    return f"New captures are like what {champion} learnt: nothing to do."


def describe(finding: Finding) -> str:
    """Say what the new pairs of a finding are, beside the reference: `darker`."""
    measure = BY_NAME[finding.measure]
    if finding.measure == PROTOTYPES:
        return measure.more
    if abs(finding.superiority) >= _NEGLIGIBLE:
        return measure.more if finding.superiority > 0.0 else measure.less
    if finding.spread < 1.0:
        return f"less varied in {measure.aspect}"
    return f"more varied in {measure.aspect}"


def _mattering(drift: Drift, group: str) -> list[str]:
    """Return what matters most of a group in words, the largest index first."""
    found = [finding for finding in drift.findings if finding.matters and finding.group == group]
    found.sort(key=lambda finding: -finding.index)
    return [describe(finding) for finding in found[:_NAMED]]


def _list(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
