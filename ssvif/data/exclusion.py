"""Pairs that are never used, as `ingest.exclude` names them."""

import logging
from collections.abc import Iterable, Mapping

from ssvif.data.layouts import Capture
from ssvif.data.quarantine import EXCLUDED, Rejection

_LOG = logging.getLogger(__name__)


def exclude_pairs(
    exclude: Iterable[str], *, ids: Mapping[Capture, str], captures: Iterable[Capture]
) -> list[Rejection]:
    """Return the captures that shall be left out, and warn of entries that name nothing.

    A pair that is named by set and name is left out wherever its very pixels come again.

    Args:
        exclude: `SET/NAME` or ids, in any order.
        ids: Ids of the pairs, by their captures, for those that are good.
        captures: All captures, good or not.
    """
    wanted = set(exclude)
    left_out = {pair_id for capture, pair_id in ids.items() if {pair_id, _name(capture)} & wanted}
    for entry in sorted(wanted - set(ids.values()) - set(map(_name, captures))):
        _LOG.warning(
            "ingest.exclude: %s: no such pair; expected SET/NAME or an id of the manifest", entry
        )
    return [
        Rejection(capture, EXCLUDED, "named in ingest.exclude")
        for capture, pair_id in ids.items()
        if pair_id in left_out
    ]


def _name(capture: Capture) -> str:
    return f"{capture.set_name}/{capture.name}"
