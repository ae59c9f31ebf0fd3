"""Trained and tested probes on disk, so that equal questions are answered once.

An entry is a folder named by the hash of all that the answer depends on. It appears whole or not
at all; one that is damaged is as good as none.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.torch import load_file, save
from torch import Tensor

from ssvif.files import atomic_folder, sha256_file, write_json

FORMAT = "ssvif-probe-1"

_ENTRY = "entry.json"
_COUNTS = "counts.npy"

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One repetition of a probe.

    Args:
        ids: The images that were tested.
        counts: (N, C, 3) int64 pixels of intersection, union and target.
        precision: Average precision by class; empty without boxes.
        weights: The file of each fold's weights.
    """

    ids: tuple[str, ...]
    counts: NDArray[np.int64]
    precision: Mapping[str, float]
    weights: tuple[Path, ...]


def _check(content: dict[str, Any], folder: Path) -> None:
    if content["format"] != FORMAT:
        raise ValueError(f"expected format {FORMAT}")
    for name, written in content["files"].items():
        if sha256_file(folder / name) != written:
            raise ValueError(f"{name} is not what was written")


def load_entry(folder: Path) -> Entry | None:
    """Read an entry, or return None where it is missing or damaged."""
    try:
        content = json.loads((folder / _ENTRY).read_text(encoding="utf-8"))
        _check(content, folder)
        return Entry(
            ids=tuple(content["ids"]),
            counts=np.load(folder / _COUNTS, allow_pickle=False),
            precision=content["precision"],
            weights=tuple(folder / name for name in content["weights"]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        _LOG.warning("%s: a damaged entry of the cache, made anew (%s)", folder, error)
        return None


def save_entry(
    folder: Path,
    *,
    ids: Sequence[str],
    counts: NDArray[np.int64],
    precision: Mapping[str, float],
    weights: Sequence[Mapping[str, Tensor]],
) -> None:
    """Write an entry; one that is there is replaced.

    Args:
        folder: Where it shall be.
        ids: As in `Entry`.
        counts: As in `Entry`.
        precision: As in `Entry`.
        weights: Of each fold's probe, as `to_half` returns them.

    Raises:
        StorageError: If it cannot be written.
    """
    names = [f"fold-{fold}.safetensors" for fold in range(len(weights))]
    with atomic_folder(folder) as new:
        np.save(new / _COUNTS, counts, allow_pickle=False)
        for name, tensors in zip(names, weights, strict=True):
            (new / name).write_bytes(save(dict(tensors)))
        content = {
            "format": FORMAT,
            "ids": list(ids),
            "precision": dict(precision),
            "weights": names,
            "files": {name: sha256_file(new / name) for name in (_COUNTS, *names)},
        }
        write_json(new / _ENTRY, content)


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read one fold's weights as float32."""
    return {name: tensor.float() for name, tensor in load_file(path).items()}


def to_half(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights as they are kept: kernels in half precision, the small rest as it is."""
    return {
        name: (tensor.half() if tensor.dim() > 1 else tensor).contiguous().cpu()
        for name, tensor in weights.items()
    }
