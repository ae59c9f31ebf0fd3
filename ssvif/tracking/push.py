"""Completes MLflow from the records on disk, for what could not be pushed while stages ran."""

import logging
from pathlib import Path

from ssvif.tracking.errors import tracking_errors
from ssvif.tracking.record import find_records, read_record
from ssvif.tracking.store import Store, open_client

logger = logging.getLogger(__name__)


def push_records(root: Path, *, experiment: str) -> list[str]:
    """Push the records that the store does not have; a second call pushes nothing.

    Args:
        root: The folder whose sub-folders are records, such as `runs/`.
        experiment: Name of the MLflow experiment.

    Returns:
        Names of the stages that were pushed.

    Raises:
        StorageError: If a record is damaged.
        TrackingError: If the store cannot be reached or refuses.
    """
    records = [read_record(folder) for folder in find_records(root)]
    pushed = []
    with tracking_errors():
        store = Store(open_client(), experiment)
        for record in records:
            if store.find_record(record.digest) is None:
                store.add(record)
                pushed.append(record.facts.stage)
    return pushed
