"""Which prototypes the champion sees in pairs: what they show, as the champion understands it."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch

from ssvif.data.manifest import pair_paths
from ssvif.errors import DriftError
from ssvif.evaluation.candidates import segment
from ssvif.evaluation.pairs import read_scene
from ssvif.files import sha256_file, write_json
from ssvif.models.weights import load_model

CACHE = Path(".cache/drift")
SAMPLE = 64  # pairs of either side, unless more are needed to judge

_HASH_LENGTH = 16
_DIGITS = 6

_log = logging.getLogger(__name__)


def prototype_shares(
    weights: Path,
    reference: tuple[Sequence[str], Path],
    new: tuple[Sequence[str], Path],
    *,
    least: int,
    cache: Path = CACHE,
) -> pd.DataFrame | str:
    """Let the champion segment some pairs of both sides, and count its prototypes.

    Ids are hashes, so the first ones in order are a sample that is random and stays the same.
    What a model saw in a pair never changes, and is kept.

    Args:
        weights: The champion's weights.
        reference: Ids of the pairs that it learnt from, and the folder of canonical pairs.
        new: The same of new pairs.
        least: Pairs of either side without which there is nothing to compare.
        cache: Where results are kept, one file a model.

    Returns:
        Shares (N, K) of positions of the feature-level segmentation, by id; or why there are none.

    Raises:
        ModelError: If the weights cannot be read.
        ImageError: If a pair is damaged.
        StorageError: If the cache cannot be written.
    """
    places: dict[str, Path] = {}
    for (ids, folder), kind in ((reference, "learnt"), (new, "new")):
        there = [
            one for one in sorted(set(ids)) if all(p.is_file() for p in pair_paths(one, folder))
        ]
        if len(there) < least:
            return f"{len(there)} of {len(ids)} {kind} pairs are on disk, {least} are needed"
        places |= dict.fromkeys(there[: max(SAMPLE, least)], folder)
    path = cache / f"{sha256_file(weights)[:_HASH_LENGTH]}.json"
    known = _read(path)
    missing = {one: folder for one, folder in places.items() if one not in known}
    if missing:
        _log.info("drift: the champion looks at %d pairs", len(missing))
        known |= _look(weights, missing)
        write_json(path, known)
    shares = pd.DataFrame.from_dict({one: known[one] for one in places}, orient="index")
    return shares.rename(columns="prototype {}".format)


def _look(weights: Path, places: Mapping[str, Path]) -> dict[str, list[float]]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = load_model(weights).to(device)
    found = {}
    for one, folder in places.items():
        scene = read_scene(folder, {"id": one, "set": "", "name": one}, device=device)
        seen = segment(scene, model)
        counts = torch.bincount(seen.feature_level.flatten(), minlength=seen.prototypes).double()
        found[one] = [round(share, _DIGITS) for share in (counts / counts.sum()).tolist()]
    return found


def _read(path: Path) -> dict[str, list[float]]:
    try:
        content: dict[str, list[float]] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DriftError(f"{path}: not readable as JSON ({error}); delete it") from error
    return content
