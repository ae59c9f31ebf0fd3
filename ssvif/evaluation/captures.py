"""Pairs of any folder of captures, made by the project's own ingest."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from ssvif.data.captures import INBOX, add_captures
from ssvif.data.ingest import ingest
from ssvif.data.manifest import LABELS_FOLDER, PAIRS_FOLDER
from ssvif.evaluation.pairs import PairSource
from ssvif.files import sha256_json
from ssvif.params import IngestParams

WORK = Path(".cache/evaluate")
_HASH_LENGTH = 16


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
        ingested = ingest(params, root=root, needs_splits=False)
    refused, unlabelled = (
        {
            f"{rejection.capture.set_name}/{rejection.capture.name}": rejection.sentence
            for rejection in ingested.rejections
            if rejection.is_kept is kept
        }
        for kept in (False, True)
    )
    folders_of = root / PAIRS_FOLDER, root / LABELS_FOLDER
    return PairSource(ingested.manifest, *folders_of, refused, unlabelled)
