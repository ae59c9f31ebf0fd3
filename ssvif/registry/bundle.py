"""A model with all that is known of it, as one folder.

    weights.safetensors   the network; fusing needs nothing else
    params.json           the parameters of its training
    metrics.json          its evaluation
    lineage.json          commit, data and parameters it comes from
    MODEL_CARD.md         the same for people

Equal inputs give equal bytes, so a bundle is known by the hash of its files.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ssvif.errors import ModelError
from ssvif.files import atomic_folder, sha256_folder, write_json, write_text
from ssvif.fuse.places import WEIGHTS_NAME

PARAMS = "params.json"
METRICS = "metrics.json"
LINEAGE = "lineage.json"
CARD = "MODEL_CARD.md"
FILES = (WEIGHTS_NAME, PARAMS, METRICS, LINEAGE, CARD)

# On a version of the registry: the hash of the bundle it holds.
BUNDLE_TAG = "ssvif.bundle"


def write_bundle(
    folder: Path,
    *,
    weights: Path,
    params: Mapping[str, Any],
    metrics: Mapping[str, Any],
    lineage: Mapping[str, Any],
    card: str,
) -> str:
    """Write a bundle, in the place of what `folder` held.

    Args:
        folder: Where it shall appear, whole or not at all.
        weights: A file that `ssvif.models.weights` wrote.
        params: Sections of parameters.
        metrics: What reports/evaluate/metrics.json holds.
        lineage: Where the model comes from; nothing that changes from run to run.
        card: The model card, Markdown.

    Returns:
        The bundle's hash.

    Raises:
        ModelError: If the weights are missing.
        StorageError: If the bundle cannot be written.
    """
    if not weights.is_file():
        raise ModelError(f"{weights}: no such file; train a model with `make repro`")
    with atomic_folder(folder) as new:
        shutil.copyfile(weights, new / WEIGHTS_NAME)
        write_json(new / PARAMS, params)
        write_json(new / METRICS, metrics)
        write_json(new / LINEAGE, lineage)
        write_text(new / CARD, card)
    return bundle_hash(folder)


def bundle_hash(folder: Path) -> str:
    """Return the hash over a bundle's files.

    Raises:
        ModelError: If a file is missing.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"{folder}: not a whole model bundle ({', '.join(missing)} missing); "
            "make it again with `dvc repro register`"
        )
    return sha256_folder(folder)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that a bundle is made from.

    Raises:
        ModelError: If it is missing or not JSON.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: not readable as JSON ({error}); run `dvc repro`") from error
    return content
