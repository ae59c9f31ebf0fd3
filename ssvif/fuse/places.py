"""Where models are found, and what their files are called; imports nothing heavy."""

from pathlib import Path

CHAMPION = Path("models/champion")

# What comes with the package: `make champion` makes it.
PRETRAINED = Path(__file__).parents[1] / "pretrained"

# The network's file in a model's folder.
WEIGHTS_NAME = "weights.safetensors"

# The same network for ONNX Runtime, in a folder beside it.
ONNX_NAME = "onnx"
FEATURES_NAME, FUSED_NAME, MACHINE_NAME = "features.onnx", "fused.onnx", "machine.onnx"

# What these files say of themselves.
HALO_KEY = "ssvif:halo"
WEIGHTS_KEY = "ssvif:weights"


def model_in_use() -> Path:
    """Return the champion in the current folder, or the model that comes with the package."""
    return CHAMPION if CHAMPION.exists() else PRETRAINED
