"""Large images in strips of whole rows that overlap; imports nothing heavy."""

from collections.abc import Iterator
from dataclasses import dataclass

# What is summed up beside the features: both planes and their squares.
STATISTICS = 4

# Rows of a strip begin where the coarsest features do.
STRIDE = 4


@dataclass(frozen=True)
class Strip:
    """Rows of an image, and the rows around them that a network must see as well.

    Args:
        top: The first of its own rows.
        bottom: The row after its last own one.
        seen_top: The first row that is seen.
        seen_bottom: The row after the last one that is seen.
    """

    top: int
    bottom: int
    seen_top: int
    seen_bottom: int

    @property
    def seen(self) -> slice:
        """Rows of the image that are seen."""
        return slice(self.seen_top, self.seen_bottom)

    @property
    def own(self) -> slice:
        """Its own rows, among those that are seen."""
        return slice(self.top - self.seen_top, self.bottom - self.seen_top)


def strips(height: int, width: int, *, pixels: int, halo: int) -> Iterator[Strip]:
    """Cut an image into strips.

    Args:
        height: Rows of the image.
        width: Columns of the image.
        pixels: About how many pixels of its own a strip may have; one that is smaller is whole.
        halo: Rows that are seen beyond a strip's own, a multiple of `STRIDE`.
    """
    rows = height
    if height * width > pixels:
        # Not so low that most of what is seen is another's.
        rows = max(pixels // width, 2 * halo, STRIDE) // STRIDE * STRIDE
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        yield Strip(top, bottom, max(top - halo, 0), min(bottom + halo, height))


def places(height: int, width: int) -> tuple[int, int]:
    """Return how many coarse features and how many pixels an image has."""
    return -(-height // STRIDE) * -(-width // STRIDE), height * width
