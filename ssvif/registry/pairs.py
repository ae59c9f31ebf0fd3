"""The pairs that a model was made with, as a table in its bundle.

They are the manifest's rows, but for where the files lay and what they hashed to: which pairs a
model saw says enough by their ids, and what they are like by their measures. A model that goes on
from another one has learnt what that one had, however the splits are dealt out since, and even if
the pair is gone for a while.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from ssvif.errors import ManifestError, ModelError
from ssvif.files import atomic_path

if TYPE_CHECKING:
    import pandas as pd

PAIRS = "pairs.parquet"
# Splits by which training goes; test pairs are only measured on.
LEARNT = frozenset({"train", "val"})
PAST = "past"  # in place of a split: inherited, and not in the manifest
INHERITED = "inherited"

_LEFT_OUT = frozenset({"vis_source", "ir_source", "vis_sha256", "ir_sha256"})


def write_pairs(path: Path, manifest: Path, *, start: Path | None = None) -> None:
    """Write a manifest's rows as a bundle keeps them; equal rows give equal bytes.

    Rows of pairs that `start` learnt from and that the manifest lacks follow.

    Args:
        path: Where to.
        manifest: The manifest.
        start: The bundle of the model that training went on from.

    Raises:
        ManifestError: If the manifest cannot be read.
        ModelError: If `start` does not say which pairs it learnt from.
        StorageError: If the table cannot be written.
    """
    from pyarrow import ArrowException, Table, array, concat_tables
    from pyarrow.parquet import ParquetFile, write_table

    try:
        table = ParquetFile(manifest).read()
    except (OSError, ArrowException) as error:
        raise ManifestError(f"{manifest}: not readable ({error}); run `dvc repro`") from error
    kept = table.select([name for name in table.column_names if name not in _LEFT_OUT])
    before = read_pairs(start) if start else None
    learnt = frozenset() if before is None else learnt_ids(before)
    inherited = array([id_ in learnt for id_ in kept["id"].to_pylist()], "bool")
    kept = kept.append_column(INHERITED, inherited)
    if before is not None:
        gone = before[before["id"].isin(learnt.difference(kept["id"].to_pylist()))]
        past = gone.assign(split=PAST, **{INHERITED: True}).to_dict("records")
        # What that release did not measure is null.
        kept = concat_tables([kept, Table.from_pylist(past, schema=kept.schema)])
    with atomic_path(path) as temporary:
        # The metadata speaks of pandas' version and of columns that are left out.
        write_table(kept.replace_schema_metadata(None), temporary)


def learnt_ids(pairs: "pd.DataFrame") -> frozenset[str]:
    """Return the pairs that a model's weights depend on: its own, and those that it inherited.

    Args:
        pairs: What `read_pairs` returned.
    """
    own = frozenset(pairs["id"][pairs["split"].isin(LEARNT)])
    return own | frozenset(pairs["id"][pairs[INHERITED]])


def read_pairs(bundle: Path) -> "pd.DataFrame":
    """Return the pairs that a bundle's model was made with.

    Args:
        bundle: The folder of a bundle.

    Returns:
        One row a pair: the manifest's columns without `vis_source`, `ir_source`, `vis_sha256`
        and `ir_sha256`, and `inherited`: whether a model that this one goes on from learnt from
        it. Training learnt from those whose `split` is `train`; `past` are inherited ones that the
        manifest did not list.

    Raises:
        ModelError: If the bundle has no such table, as those of earlier releases.
    """
    import pandas as pd

    path = bundle / PAIRS
    try:
        pairs = pd.read_parquet(path)
    except FileNotFoundError:
        raise ModelError(
            f"{path}: no such file: expected a bundle that knows its pairs, found one of an "
            "earlier release or half of one; train and register again with `dvc repro`"
        ) from None
    except (OSError, ValueError) as error:
        reason = (str(error).splitlines() or ["damaged"])[0]
        raise ModelError(f"{path}: not readable ({reason}); fetch the bundle again") from error
    # Bundles of earlier releases do not say.
    return pairs if INHERITED in pairs else pairs.assign(**{INHERITED: False})
