"""Lets a user end what has no end of its own."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def until_interrupted(*, endless: bool) -> Iterator[Callable[[], bool]]:
    """Take the first Ctrl-C, or SIGTERM, for a wish to finish; the second one interrupts.

    Args:
        endless: Whether the work has no end of its own; else signals do what they did before.

    Yields:
        What tells whether to finish.
    """
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            signal.default_int_handler(number, frame)
        asked = True

    if not endless or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.signal(number, ask) for number in _SIGNALS}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
