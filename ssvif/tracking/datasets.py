"""The manifest as a data set that runs name as their input, in the record and in MLflow."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ssvif.errors import ManifestError

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

# What the DVC stages that read pairs do with them, in MLflow's words.
_CONTEXTS = {
    "stage_one": "training",
    "stage_two": "training",
    "evaluate": "evaluation",
    "gate": "evaluation",
}
_NAME = "manifest"
_DIGEST_LENGTH = 16
_CONTEXT_TAG = "mlflow.data.context"

Counts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class DataInput:
    """A manifest that a stage read.

    Args:
        path: Where it was, relative to the project.
        sha256: The hash of the file.
        context: `training` or `evaluation`.
        pairs: Pairs by set and split.
    """

    path: str
    sha256: str
    context: str
    pairs: Counts


def find_input(stage: str, manifest: Path, sha256: str) -> DataInput | None:
    """Return the manifest as the input of a stage, or None if the stage reads none.

    Args:
        stage: Name of the DVC stage.
        manifest: The manifest.
        sha256: Its hash.
    """
    context = _CONTEXTS.get(stage)
    if context is None or not manifest.is_file():
        return None
    try:
        pairs = count_pairs(manifest)
    except ManifestError:
        pairs = {}  # the stage itself says what is wrong with it
    return DataInput(manifest.as_posix(), sha256, context, pairs)


def count_pairs(manifest: Path) -> dict[str, dict[str, int]]:
    """Count a manifest's pairs by set and split.

    Raises:
        ManifestError: If the manifest cannot be read.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        table = ParquetFile(manifest).read(columns=["set", "split"])
        columns = [table[name].to_pylist() for name in ("set", "split")]
    except (OSError, KeyError, ArrowException) as error:
        raise ManifestError(f"{manifest}: not readable ({error}); run `dvc repro`") from error
    pairs: dict[str, dict[str, int]] = {}
    for (name, split), count in sorted(Counter(zip(*columns, strict=True)).items()):
        pairs.setdefault(name, {})[split] = count
    return pairs


def mlflow_input(data: DataInput) -> "DatasetInput":
    """Return an input as MLflow keeps it: found by `dataset.digest = '...'`.

    The digest is the first 16 hex digits of the manifest's hash.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    total = sum(count for splits in data.pairs.values() for count in splits.values())
    dataset = Dataset(
        name=_NAME,
        digest=data.sha256[:_DIGEST_LENGTH],
        source_type="local",
        source=json.dumps({"uri": data.path}),
        profile=json.dumps({"num_rows": total, "pairs": data.pairs}),
    )
    return DatasetInput(dataset, [InputTag(_CONTEXT_TAG, data.context)])
