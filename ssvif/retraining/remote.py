"""Deliveries in a bucket: `s3://BUCKET/PREFIX` as the drop folder, by way of fsspec.

Complete deliveries are copied to a local drop folder, and go from there as any other. Nothing in
the bucket is changed. What a key may do here is bounded: it names a file below its delivery or the
delivery is passed over, and no delivery is larger than what the disk can spare.
"""

import logging
import shutil
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from ssvif.errors import RetrainingError, ServiceError, SsvifError
from ssvif.files import atomic_folder, sha256_json, write_text
from ssvif.retraining.deliveries import MARKER, is_name
from ssvif.retraining.journal import JOURNAL, read_journal

DOWNLOADS = Path("data/drop")

_MAX_FILES = 200_000  # of a delivery
_SPARE_SHARE = 0.5  # of the free disk that a delivery may fill
# In a copy: what it was made from.
_ORIGIN = ".origin"

_LOG = logging.getLogger(__name__)


class _FileSystem(Protocol):
    """What is used of fsspec, which has no types."""

    def invalidate_cache(self) -> None: ...

    def find(self, path: str, *, detail: bool) -> Mapping[str, Mapping[str, Any]]: ...

    def get_file(self, rpath: str, lpath: str) -> None: ...


@dataclass(frozen=True)
class _Object:
    name: str  # within its delivery
    key: str
    size: int
    modified: float
    version: str


def is_remote(place: str) -> bool:
    """Tell whether deliveries arrive in a bucket rather than in a folder."""
    return "://" in place


def local_drop(place: str) -> Path:
    """Return the folder in which deliveries lie on this machine, those of a bucket as copies."""
    return DOWNLOADS if is_remote(place) else Path(place)


def awaited_deliveries(
    place: str,
    folder: Path = DOWNLOADS,
    *,
    quiet_seconds: float,
    journal: Path = JOURNAL,
    now: float | None = None,
) -> list[str]:
    """Return the deliveries in a bucket that are complete and not here as they now are.

    Args:
        place: As for `fetch_deliveries`, and so are the others.
        folder: The local drop folder.
        quiet_seconds: After so long without a change a delivery without marker is complete.
        journal: Where it is written what was taken in, wherever the copy is by now.
        now: The time to judge by, in seconds of `time.time`; by default the present.

    Raises:
        RetrainingError: If the address is not understood, or the journal cannot be read.
        ServiceError: If the bucket cannot be read.
    """
    return [name for _, name, _ in _awaited(place, folder, quiet_seconds, journal, now)]


def fetch_deliveries(
    place: str,
    folder: Path = DOWNLOADS,
    *,
    quiet_seconds: float,
    journal: Path = JOURNAL,
    now: float | None = None,
) -> list[str]:
    """Copy complete deliveries that are new from a bucket; one that cannot be stops no other.

    A delivery that came to the local drop folder by itself is not replaced by one of its name.

    Args:
        place: `s3://BUCKET/PREFIX`, or what else fsspec knows; the first part of a key below it
            names its delivery. Credentials and the endpoint come from the environment.
        folder: The local drop folder.
        quiet_seconds: After so long without a change a delivery without marker is complete.
        journal: Where it is written what was taken in, wherever the copy is by now.
        now: The time to judge by, in seconds of `time.time`; by default the present.

    Returns:
        The deliveries that were copied.

    Raises:
        RetrainingError: If the address is not understood, or the journal cannot be read.
        ServiceError: If the bucket cannot be read; the same call may do later.
    """
    copied = []
    for filesystem, name, objects in _awaited(place, folder, quiet_seconds, journal, now):
        try:
            _copy(filesystem, objects, folder / name, place)
        except SsvifError as error:
            _LOG.warning("%s: not copied, but later if it can be: %s", name, error)
        else:
            copied.append(name)
    return copied


def origin_of(folder: Path) -> str:
    """Return the hash of what a delivery was copied from; empty where it is no copy."""
    try:
        return (folder / _ORIGIN).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _awaited(
    place: str, folder: Path, quiet_seconds: float, journal: Path, now: float | None
) -> Iterator[tuple[_FileSystem, str, list[_Object]]]:
    """Yield what is to be copied; each is judged when its turn comes, for copies fill the disk."""
    taken = {entry.name: entry.origin for entry in read_journal(journal)}
    filesystem, prefix = _connect(place)
    for name, objects in _list(filesystem, prefix, place).items():
        if not _may_be_copied(name, objects, folder, quiet_seconds, now):
            continue
        here = origin_of(folder / name)
        if _origin(objects) in (taken.get(name), here):
            continue
        if not here and (folder / name).exists():
            _LOG.warning(
                "%s: left in the bucket: %s is no copy of it; rename one of them",
                name,
                folder / name,
            )
            continue
        yield filesystem, name, objects


def _connect(place: str) -> tuple[_FileSystem, str]:
    import fsspec

    try:
        filesystem, prefix = fsspec.url_to_fs(place)
    except (ImportError, ValueError) as error:
        raise RetrainingError(
            f"{place}: not a place this machine can read ({error}); give a folder or "
            "s3://BUCKET/PREFIX, and install the extra `services` for the latter"
        ) from error
    # What a listing said before may have changed since.
    filesystem.invalidate_cache()
    return filesystem, str(prefix).rstrip("/")


def _list(filesystem: _FileSystem, prefix: str, place: str) -> dict[str, list[_Object]]:
    """Map the deliveries below a prefix to what they hold, by name."""
    try:
        found = filesystem.find(prefix, detail=True)
    # fsspec, s3fs and botocore share no base class; a bucket that is not there raises, too.
    except Exception as error:
        raise _unreachable(place, error) from error
    deliveries: dict[str, list[_Object]] = {}
    for key, info in sorted(found.items()):
        name, _, rest = key.removeprefix(prefix).removeprefix("/").partition("/")
        # A key that ends in a slash is a folder that some tools make.
        if rest and not rest.endswith("/"):
            deliveries.setdefault(name, []).append(_object(rest, key, info))
    return deliveries


def _object(name: str, key: str, info: Mapping[str, Any]) -> _Object:
    when = info.get("LastModified") or info.get("created") or info.get("mtime") or 0.0
    if isinstance(when, datetime):
        when = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    return _Object(
        name=name,
        key=key,
        size=int(info.get("size") or 0),
        modified=float(when),
        version=str(info.get("ETag") or when),
    )


def _why_not(name: str, objects: Sequence[_Object], folder: Path) -> str:
    """Return why a delivery is not copied; empty if it may be."""
    for text in (name, *(found.name for found in objects)):
        if not _is_safe(text):
            return f"the key {text!a} is no file's name; rename it"
    if both := _files_and_folders({MARKER, _ORIGIN, *(found.name for found in objects)}):
        return f"{min(both)!a} is a file and a folder; rename one of them"
    if len(objects) > _MAX_FILES:
        return f"{len(objects)} files, of {_MAX_FILES} at most; deliver it in parts"
    folder.mkdir(parents=True, exist_ok=True)
    size, free = sum(found.size for found in objects), shutil.disk_usage(folder).free
    if size > _SPARE_SHARE * free:
        return f"{size / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free; make room, or use parts"
    return ""


def _files_and_folders(names: set[str]) -> set[str]:
    """Return the files that others lie in, which a bucket may have and no folder."""
    homes = {PurePosixPath(name.rpartition("/")[0]) for name in names}
    return names & {folder.as_posix() for home in homes for folder in (home, *home.parents)}


def _is_safe(name: str) -> bool:
    """Whether a key names a file below the folder it is copied to, on any file system."""
    return all(
        part not in ("", ".", "..")
        and is_name(part)
        and not part.startswith(".part-")
        and not any(c in "\\:" or unicodedata.category(c) == "Cc" for c in part)
        for part in name.split("/")
    )


def _may_be_copied(
    name: str, objects: Sequence[_Object], folder: Path, quiet_seconds: float, now: float | None
) -> bool:
    """Whether a delivery is complete, and nothing is against copying it."""
    quiet = (time.time() if now is None else now) - max(found.modified for found in objects)
    if quiet < quiet_seconds and not any(found.name == MARKER for found in objects):
        return False
    if reason := _why_not(name, objects, folder):
        _LOG.warning("%s: left in the bucket: %s", ascii(name), reason)
    return not reason


def _origin(objects: Sequence[_Object]) -> str:
    return sha256_json([[found.name, found.size, found.version] for found in objects])


def _copy(filesystem: _FileSystem, objects: Sequence[_Object], target: Path, place: str) -> None:
    """Copy a delivery; it appears whole, and complete."""
    with atomic_folder(target) as new:
        for found in objects:
            path = new / found.name
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                filesystem.get_file(found.key, str(path))
            # A key may also be the folder of another, and the network may fail in many ways.
            except Exception as error:
                raise _unreachable(f"{place} ({found.key})", error) from error
        write_text(new / MARKER, "")
        write_text(new / _ORIGIN, f"{_origin(objects)}\n")


def _unreachable(place: str, error: Exception) -> ServiceError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return ServiceError(
        f"{place}: cannot be read ({reason}); check the address, the credentials and the network",
        transient=True,
    )
