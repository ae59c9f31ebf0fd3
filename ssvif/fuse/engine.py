"""What runs a fusion network: bytes in, bytes out; imports nothing heavy."""

from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from ssvif.fuse.choices import Precision

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

# What an engine hands from its first part to its second, wherever it keeps it.
Features = TypeVar("Features")


class Engine(Protocol[Features]):
    """The three parts of `ssvif.fuse.graph`, whatever runs them."""

    halo: int
    """Rows that a strip of a large image must see beyond its own."""

    precision: Precision
    """Of the convolutions."""

    callers: int
    """How many threads may call it at once; it takes all cores by itself where that is one."""

    def for_many(self) -> "Engine[Features]":
        """Return an engine for many pairs: pairs beside each other, if it can, one on a core."""
        ...

    def features(self, vis: Bytes, ir: Bytes, rows: Floats) -> tuple[Features, Floats]:
        """Look at pairs, or at a strip of them.

        Args:
            vis: Visible RGB, (B, H, W, 3).
            ir: Infrared, (B, H, W).
            rows: How much each row counts in the sums, (H,).

        Returns:
            Features for `fused`, and sums (B, S).
        """
        ...

    def fused(self, vis: Bytes, ir: Bytes, features: Features, means: Floats) -> Bytes:
        """Return the images for people, (B, H, W, 3).

        Args:
            vis: Visible RGB, (B, H, W, 3).
            ir: Infrared, (B, H, W).
            features: What `features` returned for the same pixels.
            means: The sums of the whole images over their number of places, (B, S).
        """
        ...

    def machine(self, vis: Bytes, ir: Bytes, means: Floats) -> Bytes:
        """Return the images for a segmenter, (B, H, W, 3); arguments as in `fused`."""
        ...
