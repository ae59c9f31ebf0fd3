"""The pairs that champion and challenger are compared on, and the groups that are judged."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ssvif.evaluation.labels import plural
from ssvif.evaluation.pairs import PairSource
from ssvif.gate.gains import ALL

GOLDEN, KNOWN, NEW = "golden", "known", "new"
_HELD_OUT = "test"


@dataclass(frozen=True)
class HeldOut:
    """Pairs that neither model was trained with.

    Args:
        parts: Rows of a manifest, and the folder of their images; no pair is in two.
        groups: Ids by group: `all`, `golden` or `known`, `new`, `day`, `night`, `set:NAME`.
        notes: What a reader of the decision must know.
    """

    parts: tuple[tuple[pd.DataFrame, Path], ...]
    groups: Mapping[str, Collection[str]]
    notes: tuple[str, ...]

    @property
    def rows(self) -> pd.DataFrame:
        """All pairs: id, set, name, light, block."""
        columns = ["id", "set", "name", "light", "block"]
        return pd.concat([rows[columns] for rows, _ in self.parts], ignore_index=True)


def held_out_pairs(
    source: PairSource, golden: PairSource | None, known: Mapping[str, str]
) -> HeldOut:
    """Choose the pairs: the golden set, and what the champion has never seen.

    Without a golden set, the champion's own test pairs that are test pairs still stand in for it.

    Args:
        source: The project's pairs.
        golden: The frozen golden set, where there is one; none of its pairs trains the challenger.
        known: The split of each pair that the champion's bundle lists, by id; `train` for what it
            inherited.
    """
    test = source.manifest[source.manifest["split"] == _HELD_OUT]
    learnt = _had(test, known, "train") | _had(test, known, "val")
    new = test[~test["id"].isin(list(known))]
    notes: list[str] = []
    if golden is None:
        base, folder, name = test[_had(test, known, _HELD_OUT)], source.pairs, KNOWN
        notes.append(
            "no golden set is frozen: the champion's own test pairs stand in for it "
            f"({plural(len(base), 'pair')}; `ssvif golden freeze` sets them aside for good)"
        )
    else:
        trained = _had(golden.manifest, known, "train") | _had(golden.manifest, known, "val")
        base, folder, name = golden.manifest[~trained], golden.pairs, GOLDEN
        if trained.any():
            notes.append(f"left out of the golden set: {_trained(trained)}")
    if learnt.any():
        notes.append(f"left out of the test pairs: {_trained(learnt)}")
    fresh = new[~new["id"].isin(base["id"])]
    parts = tuple((rows, where) for rows, where in ((base, folder), (fresh, source.pairs)))
    found = HeldOut(parts, {}, tuple(notes))
    named = {name: set(base["id"]), NEW: set(new["id"])}
    return HeldOut(parts, _groups(found.rows, named), found.notes)


def _trained(which: "pd.Series[bool]") -> str:
    pairs = plural(int(which.sum()), "pair")
    return f"{pairs} that the champion, or one that it goes on from, was trained with"


def _had(rows: pd.DataFrame, known: Mapping[str, str], split: str) -> "pd.Series[bool]":
    return rows["id"].map(known) == split


def _groups(rows: pd.DataFrame, named: Mapping[str, set[str]]) -> dict[str, Collection[str]]:
    groups: dict[str, Collection[str]] = {ALL: set(rows["id"]), **named}
    for light, members in rows.groupby("light"):
        groups[str(light)] = set(members["id"])
    for set_name, members in rows.groupby("set"):
        groups[f"set:{set_name}"] = set(members["id"])
    return {group: ids for group, ids in groups.items() if ids}
