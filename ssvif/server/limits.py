"""What a server takes; imports nothing heavy."""

from dataclasses import dataclass

MEGABYTE = 1 << 20
POLL_SECONDS = 5.0  # from look to look whether there is another model
GRACE_SECONDS = 30  # for requests to end when the server shuts down

# Uploads at once, for each request that may be fused or wait: slow senders hold no place in the
# queue, and are not without number.
_UPLOADS_A_PLACE = 4


@dataclass(frozen=True)
class Limits:
    """What a server takes of a request, and how many at once.

    Args:
        concurrency: Threads that fuse.
        queue: Requests that may wait for one; others are refused.
        max_bytes: Of a request's body.
        max_pixels: Of an image.
        max_pairs: Of a batch.
        timeout: Seconds that an upload may take, and that a request may wait in the queue.
    """

    concurrency: int = 1
    queue: int = 16
    max_bytes: int = 32 * MEGABYTE
    max_pixels: int = 16_000_000
    max_pairs: int = 64
    timeout: float = 30.0

    @property
    def places(self) -> int:
        """Requests that are fused or wait."""
        return self.concurrency + self.queue

    @property
    def uploads(self) -> int:
        """Requests whose body is being read."""
        return _UPLOADS_A_PLACE * self.places
