"""What became of each delivery: one JSON file a delivery, named after its folder.

Deleting a delivery's file makes it new again.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ssvif.errors import RetrainingError
from ssvif.explain import read_json_as
from ssvif.files import write_json

JOURNAL = Path("data/deliveries")


class Entry(BaseModel):
    """A delivery in the journal.

    Args:
        name: Its folder's name.
        set_name: The set that it belongs to.
        fingerprint: Of its files' names, sizes and times, when it was looked at.
        content: Hash of its set's name and its files; empty where they could not be read.
        origin: Hash of what it was copied from; empty where it came by itself.
        at: When it was looked at, in seconds of `time.time`.
        state: `taken` into the inbox; `ingested`: its pairs are counted; `refused` as a whole;
            `known`: the same files came before.
        reason: Why it was refused, or what it repeats.
        sources: Its images as they are in the inbox, relative to the project's folder.
        new_files: Files that the set did not have.
        unread_images: Images that its layout has no place for.
        accepted: Pairs in the manifest.
        refused: Pairs in quarantine, by reason code.
        announced: Whether the event about it was sent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    set_name: str
    fingerprint: str
    content: str = ""
    origin: str = ""
    at: float
    state: Literal["taken", "ingested", "refused", "known"]
    reason: str | None = None
    sources: tuple[str, ...] = ()
    new_files: int = 0
    unread_images: int = 0
    accepted: int = 0
    refused: dict[str, int] = Field(default_factory=dict)
    announced: bool = False

    @property
    def refused_pairs(self) -> int:
        """How many of its pairs are in quarantine."""
        return sum(self.refused.values())

    @property
    def sentence(self) -> str:
        """What became of it, for people."""
        if self.state in ("refused", "known"):
            return f"{self.state}: {self.reason}"
        if self.state == "taken":
            return f"taken into the set {self.set_name}, not yet ingested"
        codes = ", ".join(f"{code} {count}" for code, count in sorted(self.refused.items()))
        quarantined = f"{self.refused_pairs} in quarantine" + (f" ({codes})" if codes else "")
        return f"{self.accepted} pair{'s' * (self.accepted != 1)} accepted, {quarantined}"


def read_journal(folder: Path = JOURNAL) -> list[Entry]:
    """Read all entries, oldest first.

    Raises:
        RetrainingError: If a file is not understood.
    """
    paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
    found = (_read(path) for path in paths if not path.name.startswith("."))
    entries = (entry for entry in found if entry is not None)
    return sorted(entries, key=lambda entry: (entry.at, entry.name))


def write_entry(entry: Entry, folder: Path = JOURNAL) -> None:
    """Write an entry, in the place of the one that its delivery had.

    Raises:
        StorageError: If it cannot be written.
    """
    write_json(folder / f"{entry.name}.json", entry.model_dump(mode="json"))


def _read(path: Path) -> Entry | None:
    remedy = "delete it, and the delivery is looked at again"
    return read_json_as(path, Entry, refusal=RetrainingError, remedy=remedy)
