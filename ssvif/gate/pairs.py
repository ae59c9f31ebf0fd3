"""The pairs that champion and challenger are compared on, and the groups that are judged."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
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
            inherited, or the challenger did.
    """
    test = source.manifest[source.manifest["split"] == _HELD_OUT]
    learnt = _learnt(test, known)
    new = test[~test["id"].isin(list(known))]
    notes: list[str] = []
    if golden is None:
        base, folder, name = test[_had(test, known, _HELD_OUT)], source.pairs, KNOWN
        notes.append(
            "no golden set is frozen: the champion's own test pairs stand in for it "
            f"({plural(len(base), 'pair')}; `ssvif golden freeze` sets them aside for good)"
        )
    else:
        trained = _learnt(golden.manifest, known)
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


def without_learnt(source: PairSource, known: Mapping[str, str]) -> PairSource:
    """Return the pairs without those test pairs that trained a model.

    Args:
        source: The project's pairs.
        known: As for `held_out_pairs`.
    """
    manifest = source.manifest
    spoilt = (manifest["split"] == _HELD_OUT) & _learnt(manifest, known)
    return replace(source, manifest=manifest[~spoilt])


def _trained(which: "pd.Series[bool]") -> str:
    pairs = plural(int(which.sum()), "pair")
    return f"{pairs} that trained the champion, or a model that it or the challenger goes on from"


def _learnt(rows: pd.DataFrame, known: Mapping[str, str]) -> "pd.Series[bool]":
    return rows["id"].map(known).isin(["train", "val"])


def _had(rows: pd.DataFrame, known: Mapping[str, str], split: str) -> "pd.Series[bool]":
    return rows["id"].map(known) == split


def _groups(rows: pd.DataFrame, named: Mapping[str, set[str]]) -> dict[str, Collection[str]]:
    groups: dict[str, Collection[str]] = {ALL: set(rows["id"]), **named}
    for light, members in rows.groupby("light"):
        groups[str(light)] = set(members["id"])
    for set_name, members in rows.groupby("set"):
        groups[f"set:{set_name}"] = set(members["id"])
    return {group: ids for group, ids in groups.items() if ids}
