"""How commands speak: log lines on stderr, refusals in one line, exit codes.

Exit codes: 0 done, 1 a fault of this program, 2 input or parameters refused, 75 a service cannot
be reached (the same command may do later), 130 interrupted.
"""

import errno
import logging
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from ssvif.errors import InterruptError, ServiceError, SsvifError

DEBUG_VARIABLE = "SSVIF_DEBUG"
EXIT_REFUSED = 2
EXIT_UNREACHABLE = 75  # EX_TEMPFAIL of sysexits.h
EXIT_INTERRUPTED = 130

# What is wrong with a place that a user named, wherever it shows.
_NO_PLACE = (
    *(errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.ENAMETOOLONG, errno.ENOTDIR, errno.ELOOP),
)

# Whose progress is told; of other packages, warnings alone. A stage runs as __main__.
_OWN = ("ssvif", "pipelines", "__main__")

# What brings a package that is missing, and what for.
_TRAIN = ("train", "training and PyTorch")
_SERVE = ("serve", "`ssvif serve` and its page")
_EXTRAS = {
    "av": ("video", "videos and cameras"),
    **dict.fromkeys(("fastapi", "prometheus_client", "starlette", "uvicorn"), _SERVE),
}


def run(command: Callable[[], object]) -> NoReturn:
    """Run a command to its exit code, with a one-line message for each refusal.

    Set the environment variable `SSVIF_DEBUG=1` (or the option `--debug`) for tracebacks.

    Args:
        command: The work; it raises `SsvifError` for what it refuses.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    for name in _OWN:
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        command()
    except InterruptError as interrupt:
        print(f"interrupted; {interrupt}", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except SsvifError as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        print(f"error: {error}", file=sys.stderr)
        transient = isinstance(error, ServiceError) and error.transient
        sys.exit(EXIT_UNREACHABLE if transient else EXIT_REFUSED)
    except ModuleNotFoundError as error:
        missing = (error.name or "ssvif").partition(".")[0]
        if os.environ.get(DEBUG_VARIABLE) or missing in ("ssvif", "pipelines"):
            raise
        extra, needed = _EXTRAS.get(missing, _TRAIN)
        print(
            f"error: this needs the package {missing}, which is not installed; "
            f"`pip install 'ssvif[{extra}]'` brings all that {needed} need",
            file=sys.stderr,
        )
        sys.exit(EXIT_REFUSED)
    except OSError as error:
        if os.environ.get(DEBUG_VARIABLE) or error.errno not in _NO_PLACE or not error.filename:
            raise
        reason = f"{error.filename}: {(error.strerror or '').lower()}"
        print(f"error: {reason}; check the name and the rights", file=sys.stderr)
        sys.exit(EXIT_REFUSED)
    except KeyboardInterrupt:
        print("interrupted; run the same command again to go on", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(0)
