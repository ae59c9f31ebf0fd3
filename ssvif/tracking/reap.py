"""Runs whose process is gone are told as killed, also when no further stage runs."""

from ssvif.tracking.errors import tracking_errors
from ssvif.tracking.store import Store, database_path, open_client, tracking_uri


def reap_runs(experiment: str) -> list[str]:
    """Mark the runs of dead processes of this machine as killed.

    Args:
        experiment: Name of the MLflow experiment; nothing is made where it does not exist.

    Returns:
        Ids of the children that were marked.

    Raises:
        TrackingError: If the store cannot be reached or refuses.
    """
    database = database_path(tracking_uri())
    if database is not None and not database.exists():
        return []
    with tracking_errors():
        client = open_client()
        if client.get_experiment_by_name(experiment) is None:
            return []
        return Store(client, experiment).reap()
