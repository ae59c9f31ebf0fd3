"""Pairs that are never used, as `ingest.exclude` names them, and what shows the same."""

import logging
from collections.abc import Iterable, Iterator, Mapping

from ssvif.data.duplicates import near
from ssvif.data.examine import Finding
from ssvif.data.layouts import Capture
from ssvif.data.quarantine import EXCLUDED, Rejection

_LOG = logging.getLogger(__name__)


def exclude_pairs(
    exclude: Iterable[str],
    *,
    findings: Mapping[Capture, Finding],
    captures: Iterable[Capture],
    below: float,
) -> list[Rejection]:
    """Return the captures that shall be left out, and warn of entries that name nothing.

    A pair that is named by set and name is left out wherever its very pixels come again, and so
    is each pair of the set that hardly differs from it: without it, that one would be used.

    Args:
        exclude: `SET/NAME` or ids, in any order.
        findings: What was found out about the pairs that are good.
        captures: All captures, good or not.
        below: Mean difference of each half, in [0, 1], under which two pairs are one.
    """
    wanted = set(exclude)
    ids = {capture: finding.pair_id for capture, finding in findings.items()}
    left_out = {pair_id for capture, pair_id in ids.items() if {pair_id, _name(capture)} & wanted}
    for entry in sorted(wanted - set(ids.values()) - set(map(_name, captures))):
        _LOG.warning(
            "ingest.exclude: %s: no such pair; expected SET/NAME or an id of the manifest", entry
        )
    named = dict.fromkeys(capture for capture, pair_id in ids.items() if pair_id in left_out)
    reasons = dict(_alike(named, findings, below)) | dict.fromkeys(named, "named")
    return [
        Rejection(capture, EXCLUDED, f"{reason} in ingest.exclude")
        for capture, reason in reasons.items()
    ]


def _alike(
    named: Iterable[Capture], findings: Mapping[Capture, Finding], below: float
) -> Iterator[tuple[Capture, str]]:
    """Yield the captures that hardly differ from a named one of their set, and from which."""
    for one in named:
        others = [capture for capture in findings if capture.set_name == one.set_name]
        thumbnails = [findings[capture].thumbnail_arrays() for capture in others]
        is_near = near(findings[one].thumbnail_arrays(), thumbnails, below=below)
        for capture, hit in zip(others, is_near, strict=True):
            if hit:
                yield capture, f"hardly differs from {_name(one)}, which is named"


def _name(capture: Capture) -> str:
    return f"{capture.set_name}/{capture.name}"
