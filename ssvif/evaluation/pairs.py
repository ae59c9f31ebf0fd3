"""The pairs that are evaluated: where they come from, and one of them in memory."""

import shutil
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from filelock import FileLock

from ssvif.data.captures import INBOX, add_captures
from ssvif.data.ingest import ingest
from ssvif.data.manifest import LABELS_FOLDER, MANIFEST_FILE, PAIRS_FOLDER, read_manifest
from ssvif.data.views import load_pairs
from ssvif.evaluation.candidates import Scene
from ssvif.files import sha256_json
from ssvif.params import IngestParams

WORK = Path(".cache/evaluate")
_HASH_LENGTH = 16


@dataclass(frozen=True)
class PairSource:
    """Pairs on disk.

    Args:
        manifest: One row a pair; see `ssvif.data.manifest`.
        pairs: The folder of their canonical images.
        labels: The folder of their labels.
        refused: Captures that are no pairs, by `SET/NAME`, and why.
    """

    manifest: pd.DataFrame
    pairs: Path
    labels: Path
    refused: Mapping[str, str]


def project_pairs() -> PairSource:
    """Return the pairs that `ingest` made in the current folder.

    Raises:
        ManifestError: If there is no manifest, or it does not follow its schema.
    """
    return PairSource(read_manifest(MANIFEST_FILE), PAIRS_FOLDER, LABELS_FOLDER, refused={})


def capture_pairs(
    folders: Sequence[tuple[str | None, Path]], params: IngestParams, *, work: Path = WORK
) -> PairSource:
    """Make pairs of folders of captures, in any layout and with every check of `ingest`.

    Args:
        folders: The name of each set, or None for the folder's own, and its captures.
        params: What a pair must be.
        work: Where pairs are kept, in a sub-folder for these captures and parameters.

    Raises:
        CapturesError: If a folder is missing or has no pairs, or none is accepted.
        StorageError: If a file cannot be written.
    """
    named = [[name, str(folder.resolve())] for name, folder in folders]
    digest = sha256_json({"captures": named, "params": params.model_dump(mode="json")})
    root = work / digest[:_HASH_LENGTH]
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / ".lock"):
        # What was deleted from the captures must go: the inbox is links, and soon made anew.
        shutil.rmtree(root / INBOX, ignore_errors=True)
        for name, folder in folders:
            add_captures(folder, inbox=root / INBOX, name=name, params=params)
        ingested = ingest(params, root=root)
    refused = {
        f"{rejection.capture.set_name}/{rejection.capture.name}": rejection.sentence
        for rejection in ingested.rejections
    }
    return PairSource(ingested.manifest, root / PAIRS_FOLDER, root / LABELS_FOLDER, refused)


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
