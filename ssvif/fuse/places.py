"""Where models are found; imports nothing heavy."""

from pathlib import Path

CHAMPION = Path("models/champion")

# What comes with the package: `make champion` makes it.
PRETRAINED = Path(__file__).parents[1] / "pretrained"

# The network's file in a model's folder.
WEIGHTS_NAME = "weights.safetensors"


def model_in_use() -> Path:
    """Return the champion in the current folder, or the model that comes with the package."""
    return CHAMPION if CHAMPION.exists() else PRETRAINED
