"""Where models are found; imports nothing heavy."""

from pathlib import Path

CHAMPION = Path("models/champion")

# The network's file in a model's folder.
WEIGHTS_NAME = "weights.safetensors"
