"""What a tracking store raises, as one line for those who asked the store itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import Timeout

from ssvif.errors import SsvifError, TrackingError
from ssvif.tracking.failures import is_transient, reason
from ssvif.tracking.store import BUSY, shown_uri


@contextmanager
def tracking_errors() -> Iterator[None]:
    """Turn what MLflow and its backends raise into a refusal.

    Raises:
        TrackingError: If the store cannot be reached or refuses.
    """
    try:
        yield
    except SsvifError:
        raise
    except Timeout as error:
        raise TrackingError(f"{shown_uri()}: {BUSY}", transient=True) from error
    # MLflow, its backends and the network share no base class.
    except Exception as error:
        raise TrackingError(
            f"{shown_uri()}: the tracking store cannot be used ({reason(error)}); "
            "check MLFLOW_TRACKING_URI and that the server runs",
            transient=is_transient(error),
        ) from error
