"""A short queue between a thread that reads and one that works."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition
from typing import Generic, TypeVar

Item = TypeVar("Item")

# Seconds after which a waiting reader looks whether it shall go on waiting.
_LOOK = 0.1


class Buffer(Generic[Item]):
    """Holds a few items: who puts more waits, or the oldest is lost.

    Args:
        size: How many items it holds.
        drops: Whether an item too many takes the place of the oldest one.
        patience: Seconds after which nobody waits for an item any more, and `starved` says so.
        interrupted: Asked while waiting for items: whether to take them for ended.
    """

    def __init__(
        self,
        size: int,
        *,
        drops: bool = False,
        patience: float = math.inf,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self.dropped = 0
        self.size = size
        self.starved = False
        self._drops = drops
        self._patience = patience
        self._interrupted = interrupted
        self._items: deque[Item] = deque()
        self._changed = Condition()
        self._ended = self._closed = False

    def put(self, item: Item) -> bool:
        """Add an item; whether anybody still wants any."""
        with self._changed:
            if self._drops and len(self._items) >= self.size:
                self._items.popleft()
                self.dropped += 1
            self._changed.wait_for(lambda: len(self._items) < self.size or self._closed)
            self._items.append(item)
            self._changed.notify_all()
            return not self._closed

    def end(self) -> None:
        """Say that no item will follow."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Say that no item is wanted any more."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Item]:
        """Yield items until there will be no more."""
        asked = time.monotonic()
        while not self._interrupted():
            with self._changed:
                if self._changed.wait_for(lambda: self._items or self._ended, _LOOK):
                    if not self._items:
                        return
                    item = self._items.popleft()
                    self._changed.notify_all()
                elif time.monotonic() - asked > self._patience:
                    self.starved = True
                    return
                else:
                    continue
            yield item
            asked = time.monotonic()
