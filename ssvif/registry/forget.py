"""From a pair to every model that saw it, and so to those that must go if it is to be forgotten.

A model that goes on from another one has seen what that one has: so the search follows the
starts of training back to the first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssvif.errors import ModelError, RegistryError
from ssvif.registry.lineage import Origin
from ssvif.registry.pairs import LEARNT, PAST, read_pairs

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Sighting:
    """A version that saw a pair.

    Args:
        version: The version.
        aliases: Its aliases.
        split: The pair's split in its own data, `past` where it was inherited and is not in that,
            or None where nothing is known of it.
        through: The version that it inherited the pair from, or None.
    """

    version: int
    aliases: tuple[str, ...]
    split: str | None
    through: int | None

    @property
    def must_go(self) -> bool:
        """Whether its weights depend on the pair."""
        return self.through is not None or self.split in {*LEARNT, PAST}

    @property
    def sentence(self) -> str:
        """The same for people."""
        role = f" ({', '.join(self.aliases)})" if self.aliases else ""
        is_own = self.split is not None and self.split != PAST
        own = f"in its {self.split} split" if is_own else "not in its own data"
        inherited = f", inherited from version {self.through}" if self.through else ""
        return f"version {self.version}{role}: {own}{inherited}"


@dataclass(frozen=True)
class Sightings:
    """Who saw a pair.

    Args:
        pair: As it was asked for.
        ids: The pair's ids; there are several where its files changed under its name.
        seen: The versions that saw it, the oldest first.
        silent: Versions that do not say all they saw: they know no pairs, or they go on from one
            that does not, or that is not registered.
    """

    pair: str
    ids: tuple[str, ...]
    seen: tuple[Sighting, ...]
    silent: tuple[int, ...]


def find_sightings(pair: str, origins: Sequence[Origin]) -> Sightings:
    """Find every version that saw a pair, or that goes on from one that learnt from it.

    Args:
        pair: `SET/NAME` or the pair's id.
        origins: Every registered version, the oldest first.

    Raises:
        RegistryError: If no version has seen it.
    """
    tables: dict[int, pd.DataFrame] = {}
    for origin in origins:
        try:
            tables[origin.version] = read_pairs(origin.folder)
        except ModelError:
            continue
    rows = {version: _rows(table, pair) for version, table in tables.items()}
    ids = {found for table in rows.values() for found in table["id"]}
    seen: dict[int, Sighting] = {}
    silent: set[int] = set()
    for origin in origins:
        split = _split(tables.get(origin.version), pair, ids)
        parent = seen.get(origin.parent) if origin.parent is not None else None
        through = origin.parent if parent is not None and parent.must_go else None
        if split is not None or through is not None:
            seen[origin.version] = Sighting(origin.version, origin.aliases, split, through)
        if origin.version not in tables or (origin.start and origin.parent in {None, *silent}):
            silent.add(origin.version)
    if not seen:
        raise RegistryError(
            f"{pair}: no registered version says that it has seen it{_but(silent)}; give SET/NAME "
            "or the id, as `ssvif lineage VERSION --pairs` lists them"
        )
    return Sightings(pair, tuple(sorted(ids)), tuple(seen.values()), tuple(sorted(silent)))


def _but(silent: Iterable[int]) -> str:
    numbers = ", ".join(map(str, sorted(silent)))
    return f" (not all that they saw: {numbers})" if numbers else ""


def _rows(table: "pd.DataFrame", pair: str) -> "pd.DataFrame":
    return table[(table["id"] == pair) | (table["set"] + "/" + table["name"] == pair)]


def _split(table: "pd.DataFrame | None", pair: str, ids: set[str]) -> str | None:
    """Return the pair's split in one version's data, whatever it was called there."""
    if table is None:
        return None
    named = table["set"] + "/" + table["name"] == pair
    found = table.loc[table["id"].isin(ids) | named, "split"]
    return None if found.empty else str(found.iloc[0])
