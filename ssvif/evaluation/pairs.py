"""The pairs that are evaluated: where they come from, and one of them in memory."""

from collections.abc import Hashable, Mapping
from pathlib import Path

import torch

from ssvif.data.views import load_pairs
from ssvif.evaluation.candidates import Scene


def read_scene(folder: Path, row: Mapping[Hashable, object], *, device: torch.device) -> Scene:
    """Read one canonical pair as it is.

    Args:
        folder: `data/pairs`.
        row: The manifest's id, set and name of it.
        device: Where to.

    Raises:
        ImageError: If a file is missing or damaged.
    """
    (pair,) = load_pairs(folder, [str(row["id"])], min_side=1)
    return Scene.from_pair(pair, row, device)
