"""For whom an image is made; imports nothing heavy."""

from typing import Literal

View = Literal["fused", "machine"]

# For people: the luminance is fused, the colour is the visible image's.
FUSED: View = "fused"

# For a segmenter: three channels of free colour; `models/machine.py`.
MACHINE: View = "machine"
