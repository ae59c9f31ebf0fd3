"""Where models are found; imports nothing heavy."""

from pathlib import Path

CHAMPION = Path("models/champion")

# What comes with the package: `make champion` makes it.
PRETRAINED = Path(__file__).parents[1] / "pretrained"

# The network's file in a model's folder.
WEIGHTS_NAME = "weights.safetensors"
