"""Takes complete deliveries into the inbox, and tells afterwards what became of their pairs.

Both may be killed at any moment and run again: bringing captures in links only what is missing,
and an entry of the journal is written when its step is done.
"""

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from ssvif.data.captures import INBOX, SetSummary, add_captures, is_set_name, place_in_set
from ssvif.data.ingest import QUARANTINE_FOLDER
from ssvif.data.manifest import MANIFEST_FILE, read_manifest
from ssvif.data.quarantine import RECORDS
from ssvif.errors import CapturesError, RetrainingError, SsvifError, StorageError
from ssvif.files import write_text
from ssvif.locks import locked
from ssvif.params import IngestParams
from ssvif.retraining.deliveries import REFUSAL, Delivery, find_deliveries
from ssvif.retraining.journal import JOURNAL, Entry, read_journal, write_entry
from ssvif.retraining.remote import origin_of

_LOCK = ".lock"
_LOCK_SECONDS = 600.0
# What the stage `ingest` says when it refuses the captures themselves.
_ALL_BAD = re.compile(r"(none of \d+ captures was accepted|all sets were refused).*")


def awaited(
    drop: Path, quiet_seconds: float, *, root: Path = Path(), now: float | None = None
) -> list[Delivery]:
    """Return the deliveries that are complete and not in the journal as they now are.

    Args:
        drop: The drop folder.
        quiet_seconds: After so long without a change a delivery is complete.
        root: The project's folder.
        now: The time to judge by, in seconds of `time.time`; by default the present.

    Raises:
        RetrainingError: If the drop folder or the journal cannot be read.
    """
    entries = read_journal(root / JOURNAL)
    known = {(entry.name, entry.fingerprint) for entry in entries}
    return [
        delivery
        for delivery in find_deliveries(drop)
        if delivery.is_complete(quiet_seconds, now)
        and (delivery.name, delivery.fingerprint) not in known
    ]


def take_in(
    drop: Path,
    quiet_seconds: float,
    *,
    params: IngestParams | None = None,
    root: Path = Path(),
    now: float | None = None,
) -> list[Entry]:
    """Bring every complete delivery that is new into the inbox; one that is bad stops no other.

    A refused delivery stays where it is, with the reason in a file `_REFUSED.txt`. It is looked
    at again when its files change.

    Args:
        drop: The drop folder.
        quiet_seconds: After so long without a change a delivery is complete.
        params: Of `ingest`, for infrared of more than 8 bits.
        root: The project's folder.
        now: The time to judge by, in seconds of `time.time`; by default the present.

    Returns:
        What became of each of them: `taken`, `known` or `refused`.

    Raises:
        RetrainingError: If the drop folder or the journal cannot be read.
        StorageError: If the inbox or the journal cannot be written.
    """
    with _locked(root / JOURNAL):
        entries = []
        for delivery in awaited(drop, quiet_seconds, root=root, now=now):
            entry = _take(delivery, params or IngestParams(), root, now)
            write_entry(entry, root / JOURNAL)
            _note(delivery, entry)
            entries.append(entry)
        return entries


def uncounted(root: Path = Path()) -> list[Entry]:
    """Return the deliveries that were taken in and whose pairs are not counted.

    Raises:
        RetrainingError: If the journal cannot be read.
    """
    return [entry for entry in read_journal(root / JOURNAL) if entry.state == "taken"]


def missed(taken: Sequence[Entry], root: Path = Path()) -> list[Entry]:
    """Return the deliveries of whose files `ingest` has seen not one, though they are there.

    Args:
        taken: What `uncounted` returned before `ingest` ran.
        root: The project's folder.

    Raises:
        ManifestError: If the manifest cannot be read.
        RetrainingError: If the quarantine's records cannot be read.
    """
    pairs, records = _accepted(root / MANIFEST_FILE), _records(root / QUARANTINE_FOLDER / RECORDS)
    seen = {path for pair in pairs for path in pair}
    seen |= {path for record in records for path in record["sources"]}
    refused_sets = {record["set"] for record in records if not record["sources"]}
    return [
        entry
        for entry in taken
        if not seen & _sources(entry)
        and entry.set_name not in refused_sets
        and any((root / source).is_file() for source in entry.sources)
    ]


def verdict_of(message: str) -> str:
    """Return why the stage `ingest` accepted not one pair, or nothing if it failed otherwise.

    Args:
        message: What it said.
    """
    found = _ALL_BAD.search(message)
    return found[0] if found else ""


def count_pairs(taken: Sequence[Entry], root: Path = Path(), *, verdict: str = "") -> list[Entry]:
    """Count, after `ingest` has run, what became of the pairs of each delivery taken in.

    Args:
        taken: What `uncounted` returned before `ingest` ran: of what was taken in since, by another
            process, it may have seen nothing.
        root: The project's folder.
        verdict: Why not one pair was accepted, of these or any other, where that is so.

    Returns:
        The deliveries whose event is still to be sent, among them those that were counted now.

    Raises:
        ManifestError: If the manifest cannot be read.
        RetrainingError: If the journal or the quarantine's records cannot be read.
    """
    with _locked(root / JOURNAL):
        left = [entry for entry in uncounted(root) if entry in taken]
        for entry in _counted(left, root, verdict) if left else ():
            write_entry(entry, root / JOURNAL)
        return [entry for entry in read_journal(root / JOURNAL) if _is_unsaid(entry)]


def mark_announced(entry: Entry, root: Path = Path()) -> None:
    """Remember that the event about a delivery was sent, unless it was taken in anew since."""
    with _locked(root / JOURNAL):
        if entry in read_journal(root / JOURNAL):
            write_entry(entry.model_copy(update={"announced": True}), root / JOURNAL)


def _is_unsaid(entry: Entry) -> bool:
    return entry.state in ("ingested", "refused") and not entry.announced


def _take(delivery: Delivery, params: IngestParams, root: Path, now: float | None) -> Entry:
    entry = Entry(
        name=delivery.name,
        set_name=delivery.set_name,
        fingerprint=delivery.fingerprint,
        origin=origin_of(delivery.folder),
        at=time.time() if now is None else now,
        state="taken",
    )
    try:
        _require_sound(delivery)
        content = delivery.content_hash()
        summary = add_captures(
            delivery.folder, inbox=root / INBOX, name=delivery.set_name, params=params
        )
    except StorageError:
        raise
    except SsvifError as error:
        return entry.model_copy(update={"state": "refused", "reason": str(error)})
    return _known_or_taken(entry, content, summary, delivery, root)


def _require_sound(delivery: Delivery) -> None:
    if delivery.fault:
        raise RetrainingError(delivery.fault)
    if not is_set_name(delivery.set_name):
        raise CapturesError(
            f"{delivery.name}: {delivery.set_name!r} cannot name a set; call the delivery SET or "
            "SET--ANYTHING, of letters, digits, - _ ."
        )


def _known_or_taken(
    entry: Entry, content: str, summary: SetSummary, delivery: Delivery, root: Path
) -> Entry:
    home = place_in_set(delivery.folder, INBOX / delivery.set_name)
    update: dict[str, Any] = {
        "content": content,
        "sources": tuple((home / name).as_posix() for name in delivery.files),
        "new_files": summary.new_files,
        "unread_images": summary.unread_images,
    }
    earlier = [past for past in read_journal(root / JOURNAL) if past.content == content]
    if earlier and summary.new_files == 0:
        # The same delivery, moved or copied anew: what it was it stays.
        same = next((past for past in earlier if past.name == entry.name), None)
        if same is not None:
            now = {"fingerprint": entry.fingerprint, "origin": entry.origin}
            return same.model_copy(update=now)
        update |= {"state": "known", "reason": f"the same files as {earlier[-1].name}"}
    return entry.model_copy(update=update)


def _note(delivery: Delivery, entry: Entry) -> None:
    """Leave the reason of a refusal where it was delivered; the journal has it in any case."""
    note = delivery.folder / REFUSAL
    if delivery.folder.is_symlink() or not delivery.folder.is_dir():
        return
    with suppress(StorageError, OSError):
        if entry.state == "refused":
            write_text(note, f"{entry.reason}\n")
        else:
            note.unlink(missing_ok=True)


def _counted(entries: Sequence[Entry], root: Path, verdict: str) -> list[Entry]:
    accepted = set() if verdict else _accepted(root / MANIFEST_FILE)
    records = [
        record for record in _records(root / QUARANTINE_FOLDER / RECORDS) if not record["kept"]
    ]
    outcome = {"state": "refused", "reason": verdict} if verdict else {"state": "ingested"}
    return [
        entry.model_copy(update=outcome | _count(entry, accepted, records)) for entry in entries
    ]


def _accepted(manifest: Path) -> set[tuple[str, str]]:
    table = read_manifest(manifest)
    return {*zip(table["vis_source"], table["ir_source"], strict=True)}


def _sources(entry: Entry) -> set[str]:
    return {str(PurePosixPath(source)) for source in entry.sources}


def _count(
    entry: Entry, accepted: set[tuple[str, str]], records: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    sources = _sources(entry)
    codes = Counter(
        str(record["code"])
        for record in records
        # A set that is refused as a whole names no files.
        if sources & set(record["sources"])
        or (record["set"] == entry.set_name and not record["sources"])
    )
    pairs = sum(vis in sources or ir in sources for vis, ir in accepted)
    return {"accepted": pairs, "refused": dict(codes)}


def _records(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise RetrainingError(
            f"{path}: not readable ({error}); run `dvc repro ingest` again"
        ) from error


@contextmanager
def _locked(journal: Path) -> Iterator[None]:
    """Let one process at a time take deliveries in."""
    refusal = RetrainingError(
        f"{journal / _LOCK}: another process has taken deliveries in for {_LOCK_SECONDS:g} s; wait "
        "for it, or end it"
    )
    with locked(journal / _LOCK, seconds=_LOCK_SECONDS, refusal=refusal):
        yield
