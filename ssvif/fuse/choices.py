"""What a user may choose of how fusing runs; imports nothing heavy."""

from typing import Literal

# What runs the network. ONNX Runtime needs the files that `ssvif.fuse.export` writes.
EngineName = Literal["onnx", "torch"]

# Of the convolutions. Half of the bits is for GPUs, and for CPUs that calculate with them.
Precision = Literal["float32", "bfloat16", "float16"]

# How images for people are coloured: as the visible one, not at all, or with heat laid over.
Colour = Literal["visible", "grey", "heat"]
VISIBLE: Colour = "visible"
GREY: Colour = "grey"
HEAT: Colour = "heat"
