"""A table of what was ingested, one row a set."""

from collections import Counter

import pandas as pd

from ssvif.data.ingest import Ingested
from ssvif.data.layouts import SPLITS


def summarise(ingested: Ingested) -> pd.DataFrame:
    """Count captures, pairs, splits, light and refusals of each set.

    Returns:
        One row a set, sorted by name.
    """
    manifest = ingested.manifest
    refused = [rejection for rejection in ingested.rejections if not rejection.is_kept]
    sets = {capture.set_name for capture in ingested.captures}
    sets |= {rejection.capture.set_name for rejection in refused}
    rows = []
    for name in sorted(sets):
        pairs = manifest[manifest["set"] == name]
        codes = Counter(item.code for item in ingested.rejections if item.capture.set_name == name)
        counts: dict[str, int] = {
            "captures": sum(capture.set_name == name for capture in ingested.captures),
            "accepted": len(pairs),
            "refused": sum(rejection.capture.set_name == name for rejection in refused),
        }
        counts |= {split: int((pairs["split"] == split).sum()) for split in SPLITS}
        counts |= {light: int((pairs["light"] == light).sum()) for light in ("day", "night")}
        counts |= {"masks": int(pairs["has_mask"].sum()), "boxes": int(pairs["has_boxes"].sum())}
        reasons = ", ".join(f"{code} {count}" for code, count in sorted(codes.items()))
        rows.append({"set": name, **counts, "reasons": reasons})
    return pd.DataFrame(rows)


def markdown(table: pd.DataFrame) -> str:
    """Return a table as Markdown."""
    lines = [list(table.columns), ["---"] * len(table.columns)]
    lines += [[str(cell) for cell in row] for row in table.itertuples(index=False)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def sentences(table: pd.DataFrame) -> list[str]:
    """Return one line a set, for people."""
    return [
        f"{row['set']}: {row['accepted']} of {row['captures']} pairs accepted"
        f" (train {row['train']}, val {row['val']}, test {row['test']};"
        f" day {row['day']}, night {row['night']})"
        + (f"; {row['reasons']}" if row["reasons"] else "")
        for row in table.to_dict("records")
    ]
