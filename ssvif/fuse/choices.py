"""What a user may choose of how fusing runs; imports nothing heavy."""

from typing import Literal

# What runs the network. ONNX Runtime needs the files that `ssvif.fuse.export` writes.
EngineName = Literal["onnx", "torch"]

# Of the convolutions. Half of the bits is for GPUs, and for CPUs that calculate with them.
Precision = Literal["float32", "bfloat16", "float16"]
