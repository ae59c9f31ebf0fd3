"""What a tracking store in a database server needs, which several machines may share."""

import os

from ssvif.errors import TrackingError
from ssvif.tracking.failures import hide_passwords

# The name that `mlflow server` gives the same setting.
ARTIFACT_ROOT_VARIABLE = "MLFLOW_DEFAULT_ARTIFACT_ROOT"

_DATABASES = ("postgresql", "mysql", "mssql")  # MLflow's own, but for sqlite


def is_database_server(uri: str) -> bool:
    """Whether this process reaches a database server itself, by an address such as `uri`."""
    return uri.startswith(_DATABASES)


def check_database_server(uri: str) -> None:
    """Make sure that a database server answers: MLflow itself tries for minutes, under a lock.

    Args:
        uri: Address of a database, as SQLAlchemy reads it.

    Raises:
        TrackingError: If the driver that the address names is not installed.
        sqlalchemy.exc.OperationalError: If the server does not answer, or refuses.
    """
    from sqlalchemy import NullPool, create_engine

    try:
        engine = create_engine(uri, poolclass=NullPool)
    except ModuleNotFoundError as error:
        raise TrackingError(
            f"{hide_passwords(uri)}: its driver {error.name} is not installed; "
            "write postgresql+psycopg2://... and install the extra: pip install -e '.[services]'",
            transient=False,
        ) from error
    engine.connect().close()


def artifact_root(uri: str) -> str:
    """Return where runs of a database server keep their files.

    Args:
        uri: Address of the database, for the message.

    Raises:
        TrackingError: If nothing says so; a folder of this machine would be out of the others'
            reach, and one below the current folder may be a work tree that goes away.
    """
    root = os.environ.get(ARTIFACT_ROOT_VARIABLE)
    if not root:
        raise TrackingError(
            f"{hide_passwords(uri)}: expected {ARTIFACT_ROOT_VARIABLE} to say where the files of "
            "runs go; set it to s3://BUCKET/PATH, or to file:///PATH for this machine only",
            transient=False,
        )
    return root
