"""Which pairs are scored, and which of them are shown."""

import pandas as pd

from ssvif.errors import ManifestError

ALL = "all"


def held_out(manifest: pd.DataFrame, *, split: str, max_pairs: int = 0) -> pd.DataFrame:
    """Return the rows of a split, in the order of set and name.

    Args:
        manifest: Columns id, set, name, split, light; see `ssvif.data.manifest`.
        split: `train`, `val` or `test`, or `all` of them.
        max_pairs: The most pairs, mixed as `spread` mixes them; 0 means all.

    Raises:
        ManifestError: If the split has no pairs.
    """
    rows = manifest if split == ALL else manifest[manifest["split"] == split]
    if rows.empty:
        raise ManifestError(
            f"the manifest has {len(manifest)} pairs but none in the split {split}; add captures "
            f"of other scenes, raise ingest.{split}_share, or lower ingest.block_size (neighbours "
            "of a block stay together, and the first block trains)"
        )
    return spread(rows, max_pairs or len(rows))


def spread(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    """Choose pairs by turns from day and night, and there by turns from every set.

    Args:
        rows: Columns id, set, name, light.
        count: The most pairs.

    Returns:
        At most `count` rows, in the order of light, set and name; the same for the same rows.
    """
    # Ids are hashes, so their order mixes scenes and stays as it is.
    mixed = rows.sort_values("id")
    mixed = mixed.assign(turn=mixed.groupby(["light", "set"]).cumcount())
    mixed = mixed.sort_values(["turn", "set", "id"])
    mixed = mixed.assign(turn=mixed.groupby("light").cumcount())
    chosen = mixed.sort_values(["turn", "light"]).head(count).drop(columns="turn")
    return chosen.sort_values(["light", "set", "name", "id"], ignore_index=True)
