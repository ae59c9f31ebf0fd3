"""Why the flow `ingest` should run now; cheap enough to be asked every few seconds."""

from collections.abc import Sequence
from pathlib import Path

from ssvif.params import RetrainingParams
from ssvif.retraining.due import is_due
from ssvif.retraining.inbox import awaited, uncounted
from ssvif.retraining.journal import JOURNAL
from ssvif.retraining.remote import awaited_deliveries, is_remote

_NAMED = 3  # deliveries in a sentence


def reason_to_ingest(
    place: str, params: RetrainingParams, *, root: Path = Path(), now: float | None = None
) -> str:
    """Say why deliveries should be taken in now.

    Args:
        place: The drop folder, or `s3://BUCKET/PREFIX`.
        params: When a delivery is complete, and a retraining due.
        root: The project's folder.
        now: The time to judge by, in seconds of `time.time`; by default the present.

    Returns:
        The reason, for people; empty where there is none.

    Raises:
        ManifestError: If the manifest is damaged.
        RetrainingError: If the drop folder or the journal cannot be read.
        ServiceError: If a bucket cannot be read.
    """
    quiet = params.quiet_seconds
    if is_remote(place):
        names = awaited_deliveries(place, quiet_seconds=quiet, journal=root / JOURNAL, now=now)
    else:
        names = [delivery.name for delivery in awaited(Path(place), quiet, root=root, now=now)]
    if names:
        return f"{_list(names)} arrived"
    if uncounted(root):
        return "an earlier run was cut off"
    return "a retraining is due" if is_due(params, root=root, now=now).is_due else ""


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown
