"""A model with all that is known of it, as one folder.

    weights.safetensors   the network; fusing needs nothing else
    onnx/                 the same for ONNX Runtime, which is faster; may be missing
    params.json           the parameters of its training
    metrics.json          its evaluation
    lineage.json          commit, data and parameters it comes from
    pairs.parquet         the pairs it learnt from, and those held out
    MODEL_CARD.md         the same for people

Equal inputs give equal bytes, so a bundle is known by the hash of its files.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ssvif.errors import ModelError
from ssvif.files import atomic_folder, sha256_file, sha256_folder, write_json, write_text
from ssvif.fuse.places import ONNX_NAME, WEIGHTS_NAME
from ssvif.registry.pairs import PAIRS, write_pairs

PARAMS = "params.json"
METRICS = "metrics.json"
LINEAGE = "lineage.json"
CARD = "MODEL_CARD.md"
FILES = (WEIGHTS_NAME, PARAMS, METRICS, LINEAGE, PAIRS, CARD)

# On a version of the registry: the hash of the bundle it holds, and that of the weights file.
BUNDLE_TAG = "ssvif.bundle"
WEIGHTS_TAG = "ssvif.weights"


def write_bundle(
    folder: Path,
    *,
    weights: Path,
    params: Mapping[str, Any],
    metrics: Mapping[str, Any],
    lineage: Mapping[str, Any],
    manifest: Path,
    card: str,
    onnx: Path | None = None,
    start: Path | None = None,
) -> str:
    """Write a bundle, in the place of what `folder` held.

    Args:
        folder: Where it shall appear, whole or not at all.
        weights: A file that `ssvif.models.weights` wrote.
        params: Sections of parameters.
        metrics: What reports/evaluate/metrics.json holds.
        lineage: Where the model comes from; nothing that changes from run to run.
        manifest: The manifest; its rows become `pairs.parquet`.
        card: The model card, Markdown.
        onnx: A folder that `ssvif.fuse.export` wrote of the same weights, if there is one.
        start: The bundle of the model that training went on from, if there is one.

    Returns:
        The bundle's hash.

    Raises:
        ModelError: If the weights are missing, or the folder for ONNX Runtime, or `start` does not
            say which pairs it learnt from.
        ManifestError: If the manifest cannot be read.
        StorageError: If the bundle cannot be written.
    """
    if not weights.is_file():
        raise ModelError(f"{weights}: no such file; train a model with `make repro`")
    if onnx and not onnx.is_dir():
        raise ModelError(f"{onnx}: no such folder; make it with `dvc repro export`")
    with atomic_folder(folder) as new:
        shutil.copyfile(weights, new / WEIGHTS_NAME)
        if onnx:
            shutil.copytree(onnx, new / ONNX_NAME)
        write_json(new / PARAMS, params)
        write_json(new / METRICS, metrics)
        write_json(new / LINEAGE, lineage)
        write_pairs(new / PAIRS, manifest, start=start)
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


def bundle_tags(folder: Path) -> dict[str, str]:
    """Return what a version of the registry says of the bundle it holds.

    Raises:
        ModelError: If a file is missing.
    """
    return {BUNDLE_TAG: bundle_hash(folder), WEIGHTS_TAG: sha256_file(folder / WEIGHTS_NAME)}


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
