"""What a user may choose of how fusing runs; imports nothing heavy."""

from collections.abc import Sequence
from typing import Literal

from ssvif.errors import ModelError

# What runs the network. ONNX Runtime needs the files that `ssvif.fuse.export` writes.
EngineName = Literal["onnx", "torch"]

# Of the convolutions. Half of the bits is for GPUs, and for CPUs that calculate with them.
Precision = Literal["float32", "bfloat16", "float16"]

# How images for people are coloured: as the visible one, not at all, or with heat laid over.
Colour = Literal["visible", "grey", "heat"]
VISIBLE: Colour = "visible"
GREY: Colour = "grey"
HEAT: Colour = "heat"


def require_choice(what: str, value: str, among: Sequence[str]) -> None:
    """Refuse a value that is none of those there are.

    Raises:
        ModelError: Naming those.
    """
    if value not in among:
        raise ModelError(f"{what}: expected {' or '.join(among)}, found {value!r}")
