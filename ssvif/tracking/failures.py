"""What MLflow, its backends and the network raise, in one line: they share no base class."""

import textwrap

_LONGEST_REASON = 200

# MLflow's codes for what may pass; INTERNAL_ERROR is also that of a server that does not answer.
_TRANSIENT_CODES = frozenset(
    {"INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "DEADLINE_EXCEEDED"}
)


def reason(error: Exception) -> str:
    """Return an exception's message, short enough for one line."""
    return textwrap.shorten(str(error) or type(error).__name__, _LONGEST_REASON)


def is_transient(error: Exception) -> bool:
    """Whether an exception tells of a service that does not answer, rather than of a refusal."""
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    code = getattr(error, "error_code", None)
    # requests and SQLAlchemy have names for it that are no built-in ones.
    names = {cls.__name__ for cls in type(error).__mro__}
    return code in _TRANSIENT_CODES or bool(names & {"RequestException", "OperationalError"})
