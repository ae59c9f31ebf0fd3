"""The manifest: one row a pair that may be trained on or evaluated with."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
import pandera.errors
import pandera.pandas as pa

from ssvif.data.layouts import SPLITS
from ssvif.errors import ManifestError
from ssvif.files import write_changed

MANIFEST_FILE = Path("data/manifest.parquet")
PAIRS_FOLDER = Path("data/pairs")
LABELS_FOLDER = Path("data/labels")

_HASH = pa.Check.str_matches(r"^[0-9a-f]{64}$")
_UNIT = pa.Check.in_range(0.0, 1.0)
_SIDE = pa.Check.ge(1)

# docs/captures.md explains every column.
SCHEMA = pa.DataFrameSchema(
    {
        "id": pa.Column(str, pa.Check.str_matches(r"^[0-9a-f]{16}$"), unique=True),
        "set": pa.Column(str, pa.Check.str_matches(r"^[A-Za-z0-9_.-]+$")),
        "name": pa.Column(str, pa.Check.str_length(min_value=1)),
        "vis_source": pa.Column(str),
        "ir_source": pa.Column(str),
        "vis_sha256": pa.Column(str, _HASH),
        "ir_sha256": pa.Column(str, _HASH),
        "height": pa.Column("int64", _SIDE),
        "width": pa.Column("int64", _SIDE),
        "light": pa.Column(str, pa.Check.isin(["day", "night"])),
        "split": pa.Column(str, pa.Check.isin(SPLITS)),
        "block": pa.Column(str),
        "grey_visible": pa.Column(bool),
        "resized": pa.Column(bool),
        "has_mask": pa.Column(bool),
        "has_boxes": pa.Column(bool),
        "ir_low": pa.Column("float64"),
        "ir_high": pa.Column("float64"),
        "vis_mean": pa.Column("float64", _UNIT),
        "vis_std": pa.Column("float64", _UNIT),
        "ir_mean": pa.Column("float64", _UNIT),
        "ir_std": pa.Column("float64", _UNIT),
        "vis_sharpness": pa.Column("float64", pa.Check.ge(0.0)),
        "ir_sharpness": pa.Column("float64", pa.Check.ge(0.0)),
        "registration_score": pa.Column("float64", pa.Check.in_range(-1.0, 1.001)),
        "shift_down": pa.Column("float64"),
        "shift_right": pa.Column("float64"),
    },
    strict=True,
    coerce=True,
    ordered=True,
    unique=["set", "name"],
)


def read_manifest(path: Path = MANIFEST_FILE) -> pd.DataFrame:
    """Read and check a manifest.

    Args:
        path: A parquet file that `ingest` wrote.

    Returns:
        One row a pair, with the columns of `SCHEMA`.

    Raises:
        ManifestError: If the file is missing, damaged, or does not follow the schema.
    """
    try:
        table = pd.read_parquet(path)
    except FileNotFoundError:
        raise ManifestError(
            f"{path}: no manifest yet; run `dvc repro ingest` (or python -m ssvif.stages.ingest)"
        ) from None
    except (OSError, ValueError) as error:
        reason = (str(error).splitlines() or ["damaged"])[0]
        raise ManifestError(f"{path}: not readable ({reason}); ingest again") from error
    return _validated(table, path)


def manifest_table(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Return rows as a table with the columns of `SCHEMA`, sorted by set and name."""
    table = pd.DataFrame.from_records(list(rows), columns=list(SCHEMA.columns))
    return table.sort_values(["set", "name"], ignore_index=True)


def write_manifest(path: Path, table: pd.DataFrame) -> None:
    """Check and write a manifest; a file of the same content is left alone.

    Raises:
        ManifestError: If the table does not follow the schema.
        StorageError: If the file cannot be written.
    """
    write_changed(path, _validated(table, path).to_parquet(index=False))


def pair_paths(pair_id: str, pairs: Path = PAIRS_FOLDER) -> tuple[Path, Path]:
    """Return where the visible and the infrared image of a pair are."""
    return pairs / "vis" / f"{pair_id}.png", pairs / "ir" / f"{pair_id}.png"


def _validated(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    try:
        return SCHEMA.validate(table)
    except (pandera.errors.SchemaError, pandera.errors.SchemaErrors) as error:
        reason = " ".join(str(error).split())[:160]
        raise ManifestError(
            f"{path}: does not follow the manifest's schema ({reason}); ingest again"
        ) from error
