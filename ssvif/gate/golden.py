"""The frozen golden set: held-out pairs set aside once, on which champions are compared for good.

`data/golden/` holds copies, so that nothing that happens to the captures changes it:

    manifest.parquet, pairs/{vis,ir}/ID.png, labels/{masks,boxes}/ID.*, labels/classes.json

`data/golden.json`, which git follows, says what its hash must be; null where there is none.
"""

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from ssvif.data.classes import CLASSES_FILE
from ssvif.data.manifest import pair_paths, read_manifest, write_manifest
from ssvif.errors import GateError
from ssvif.evaluation.pairs import PairSource
from ssvif.evaluation.selection import held_out
from ssvif.explain import read_json_as
from ssvif.files import atomic_folder, sha256_folder, write_json
from ssvif.gate.decision import Sha256

GOLDEN = Path("data/golden")
GOLDEN_FILE = Path("data/golden.json")
SPLIT = "test"

_MANIFEST = "manifest.parquet"
_LABELS = {"masks": ".png", "boxes": ".txt"}


class GoldenSet(BaseModel):
    """A frozen golden set, by what cannot change.

    Args:
        hash: Of the folder's file names and bytes.
        pairs: How many pairs it has.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    hash: Sha256
    pairs: Annotated[int, Field(ge=1)]


class _GoldenFile(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    golden: GoldenSet | None = None


def freeze_golden(
    source: PairSource,
    *,
    folder: Path = GOLDEN,
    file: Path = GOLDEN_FILE,
    replace: bool = False,
) -> GoldenSet:
    """Copy the present test split's pairs and labels, and record their hash.

    Args:
        source: The project's pairs.
        folder: Where the copies go.
        file: Where the hash goes; commit it.
        replace: Whether an earlier golden set may be given up: decisions before and after are
            about other pairs then.

    Raises:
        GateError: If there is a golden set and `replace` is not given, or a file is missing.
        ManifestError: If the test split has no pairs.
        StorageError: If the folder cannot be written.
    """
    present = read_golden(file)
    if present is not None and not replace:
        raise GateError(
            f"{file}: a golden set of {present.pairs} pairs is frozen already; add --replace to "
            "give it up for the present test split"
        )
    rows = held_out(source.manifest, split=SPLIT)
    with atomic_folder(folder) as new:
        for row in rows.to_dict("records"):
            _copy_pair(str(row["id"]), source, new)
        _copy(source.labels / CLASSES_FILE, new / "labels" / CLASSES_FILE, needed=False)
        ordered = rows.sort_values(["set", "name"], ignore_index=True)
        write_manifest(new / _MANIFEST, ordered[list(source.manifest.columns)])
    frozen = GoldenSet(hash=sha256_folder(folder), pairs=len(rows))
    write_json(file, {"golden": frozen.model_dump(mode="json")})
    return frozen


def read_golden(file: Path = GOLDEN_FILE) -> GoldenSet | None:
    """Return what is frozen; None for null, and where there is no file.

    Raises:
        GateError: If the file is not understood.
    """
    content = read_json_as(file, _GoldenFile, refusal=GateError, remedy="`git checkout` it")
    return content.golden if content else None


def open_golden(frozen: GoldenSet, folder: Path = GOLDEN) -> PairSource:
    """Return the golden pairs, once their bytes are those that were frozen.

    Raises:
        GateError: If the folder is missing, or holds anything else.
        ManifestError: If its manifest follows another schema, as of an earlier release.
    """
    if not folder.is_dir():
        raise GateError(
            f"{folder}: no such folder, but {GOLDEN_FILE} names a golden set; copy it from where "
            "it was frozen, or freeze another one with `ssvif golden freeze --replace`"
        )
    found = sha256_folder(folder)
    if found != frozen.hash:
        raise GateError(
            f"{folder}: expected the golden set {frozen.hash[:16]}, found {found[:16]}: a frozen "
            "file was changed; copy the folder from where it was frozen, or freeze another one "
            "with `ssvif golden freeze --replace`"
        )
    return PairSource(
        read_manifest(folder / _MANIFEST), folder / "pairs", folder / "labels", refused={}
    )


def require_unseen(golden: pd.DataFrame, manifest: pd.DataFrame) -> None:
    """Refuse golden pairs that the challenger was trained with, by content or by source file.

    Args:
        golden: The golden set's manifest.
        manifest: The challenger's.

    Raises:
        GateError: Naming the first such pair, and the way out.
    """
    seen = manifest[manifest["split"].isin(["train", "val"])]
    leaked = golden["id"].isin(seen["id"])
    for column in ("vis_sha256", "ir_sha256"):
        leaked |= golden[column].isin(seen[column])
    if not leaked.any():
        return
    first = golden[leaked].iloc[0]
    raise GateError(
        f"{first['set']}/{first['name']} is of the golden set, and now trains the challenger "
        f"({int(leaked.sum())} of {len(golden)} golden pairs do); keep ingest.block_size, "
        "val_share and test_share as they were when it was frozen, or freeze another set with "
        "`ssvif golden freeze --replace`"
    )


def require_wanted(golden: pd.DataFrame, exclude: Collection[str]) -> None:
    """Refuse golden pairs that shall never be used: `data/golden/` has copies of them.

    Args:
        golden: The golden set's manifest.
        exclude: `ingest.exclude`: `SET/NAME` or ids.

    Raises:
        GateError: Naming the first such pair, and the way out.
    """
    names = golden["set"] + "/" + golden["name"]
    excluded = golden["id"].isin(exclude) | names.isin(exclude)
    if excluded.any():
        raise GateError(
            f"{names[excluded].iloc[0]} is of the golden set, and named in ingest.exclude "
            f"({int(excluded.sum())} of {len(golden)} golden pairs are); run `dvc repro ingest` "
            "and `ssvif golden freeze --replace`, and commit data/golden.json"
        )


def _copy_pair(pair_id: str, source: PairSource, folder: Path) -> None:
    originals = pair_paths(pair_id, source.pairs)
    for original, copy in zip(originals, pair_paths(pair_id, folder / "pairs"), strict=True):
        _copy(original, copy, needed=True)
    for kind, suffix in _LABELS.items():
        name = f"{kind}/{pair_id}{suffix}"
        _copy(source.labels / name, folder / "labels" / name, needed=False)


def _copy(source: Path, target: Path, *, needed: bool) -> None:
    if not source.is_file():
        if needed:
            raise GateError(f"{source}: no such file; make it again with `dvc repro ingest`")
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
