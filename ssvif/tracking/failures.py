"""What MLflow, its backends and the network raise, in one line: they share no base class."""

import re
import textwrap

_LONGEST_REASON = 200
_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^/\s]*@|([?&]password=)[^&\s]*")

# MLflow's codes for what may pass; INTERNAL_ERROR is also that of a server that does not answer.
_TRANSIENT_CODES = frozenset(
    {"INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "DEADLINE_EXCEEDED"}
)


def reason(error: Exception) -> str:
    """Return an exception's message, short enough for one line."""
    return textwrap.shorten(hide_passwords(str(error)) or type(error).__name__, _LONGEST_REASON)


def hide_passwords(text: str) -> str:
    """Return a text, such as an address, without the passwords of the addresses in it."""
    return _PASSWORD.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", text)


def is_transient(error: Exception) -> bool:
    """Whether an exception tells of a service that does not answer, rather than of a refusal."""
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    code = getattr(error, "error_code", None)
    # requests and SQLAlchemy have names for it that are no built-in ones.
    names = {cls.__name__ for cls in type(error).__mro__}
    return code in _TRANSIENT_CODES or bool(names & {"RequestException", "OperationalError"})
