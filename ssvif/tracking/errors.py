"""What a store of MLflow raises, as one line for those who asked the store itself."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from filelock import Timeout

from ssvif.errors import ServiceError, SsvifError, TrackingError
from ssvif.tracking.failures import is_transient, reason
from ssvif.tracking.store import BUSY, shown_uri


def tracking_errors() -> AbstractContextManager[None]:
    """Turn what MLflow and its backends raise into a refusal.

    Raises:
        TrackingError: If the store cannot be reached or refuses.
    """
    return store_errors(TrackingError, "tracking store")


@contextmanager
def store_errors(refusal: type[ServiceError], what: str) -> Iterator[None]:
    """Turn what MLflow and its backends raise into a refusal of one line.

    Args:
        refusal: Its kind.
        what: What was asked, in words.

    Raises:
        ServiceError: As `refusal`, if the store cannot be reached or refuses, or if another process
            holds its lock for too long.
    """
    try:
        yield
    except SsvifError:
        raise
    except Timeout as error:
        raise refusal(f"{shown_uri()}: {BUSY}", transient=True) from error
    # MLflow, its backends and the network share no base class.
    except Exception as error:
        raise refusal(
            f"{shown_uri()}: the {what} cannot be used ({reason(error)}); check "
            "MLFLOW_TRACKING_URI and that the server runs, then try again",
            transient=is_transient(error),
        ) from error
