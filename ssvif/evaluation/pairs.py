"""The pairs that are evaluated: where they come from, and one of them in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import torch

from ssvif.data.manifest import LABELS_FOLDER, MANIFEST_FILE, PAIRS_FOLDER, read_manifest
from ssvif.data.views import load_pairs
from ssvif.evaluation.candidates import Row, Scene


@dataclass(frozen=True)
class PairSource:
    """Pairs on disk.

    Args:
        manifest: One row a pair; see `ssvif.data.manifest`.
        pairs: The folder of their canonical images.
        labels: The folder of their labels.
        refused: Captures that are no pairs, by `SET/NAME`, and why.
        unlabelled: Pairs whose label was refused, likewise.
    """

    manifest: pd.DataFrame
    pairs: Path
    labels: Path
    refused: Mapping[str, str]
    unlabelled: Mapping[str, str] = field(default_factory=dict)


def project_pairs() -> PairSource:
    """Return the pairs that `ingest` made in the current folder.

    Raises:
        ManifestError: If there is no manifest, or it does not follow its schema.
    """
    return PairSource(read_manifest(MANIFEST_FILE), PAIRS_FOLDER, LABELS_FOLDER, refused={})


def read_scene(folder: Path, row: Row, *, device: torch.device) -> Scene:
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
