"""Deliveries: the sub-folders of the drop folder, each of which brings captures of one set.

A delivery is called `SET` or `SET--ANYTHING`, so that several can feed one set. It is complete as
soon as it holds a file `_COMPLETE`, or when nothing in it has changed for a while.
"""

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ssvif.errors import RetrainingError
from ssvif.files import sha256_file, sha256_json

MARKER = "_COMPLETE"
# Left in a delivery that was refused, for whoever delivered it.
REFUSAL = "_REFUSED.txt"

_SEPARATOR = "--"
_MARKS = frozenset({MARKER, REFUSAL})


@dataclass(frozen=True)
class Delivery:
    """A sub-folder of the drop folder, as it was when it was looked at.

    Args:
        folder: Where it is.
        files: What it delivers, relative to it with `/`, sorted; no marks, no hidden files.
        fingerprint: Hash of these names, their sizes and times: says cheaply whether it changed.
        changed: When anything in it was last written, moved or renamed, in seconds of `time.time`.
        is_marked: Whether the marker file is there.
        fault: Why it cannot be taken in whatever it holds, or None.
    """

    folder: Path
    files: tuple[str, ...]
    fingerprint: str
    changed: float
    is_marked: bool
    fault: str | None

    @property
    def name(self) -> str:
        """Its folder's name."""
        return self.folder.name

    @property
    def set_name(self) -> str:
        """The set that it belongs to."""
        return set_of(self.name)

    def is_complete(self, quiet_seconds: float, now: float | None = None) -> bool:
        """Whether nothing more is to be waited for.

        Args:
            quiet_seconds: So long nothing may have changed, where there is no marker.
            now: The time to judge by, in seconds of `time.time`; by default the present.
        """
        if self.is_marked:
            return True
        quiet = (time.time() if now is None else now) - self.changed
        return bool(self.files or self.fault) and quiet >= quiet_seconds

    def content_hash(self) -> str:
        """Return the hash of its set's name, its files' names and their bytes, in hex.

        Raises:
            RetrainingError: If a file cannot be read.
        """
        try:
            files = {name: sha256_file(self.folder / name) for name in self.files}
        except OSError as error:
            raise RetrainingError(
                f"{error.filename}: cannot be read ({error.strerror}); check its rights"
            ) from error
        return sha256_json({"set": self.set_name, "files": files})


def set_of(name: str) -> str:
    """Return the set that a delivery of this name belongs to."""
    return name.partition(_SEPARATOR)[0]


def find_deliveries(drop: Path) -> list[Delivery]:
    """Look at every delivery in a drop folder, complete or not, in the order of their names.

    Hidden folders and files beside the deliveries are passed over, and so is a delivery that
    vanishes while it is looked at.

    Args:
        drop: The drop folder; it need not exist.

    Raises:
        RetrainingError: If the folder cannot be read.
    """
    try:
        names = sorted(entry.name for entry in os.scandir(drop) if _may_deliver(entry))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RetrainingError(
            f"{drop}: expected a folder of deliveries, but it cannot be read ({error.strerror}); "
            "check retraining.drop in params.yaml and the folder's rights"
        ) from error
    found = (_look(drop / name) for name in names)
    return [delivery for delivery in found if delivery is not None]


def _may_deliver(entry: "os.DirEntry[str]") -> bool:
    return not entry.name.startswith(".") and (entry.is_dir() or entry.is_symlink())


def _look(folder: Path) -> Delivery | None:
    entries: dict[str, os.stat_result] = {}
    fault = None
    try:
        top = folder.lstat()
        changed = top.st_ctime
        for path, status in _entries(folder) if stat.S_ISDIR(top.st_mode) else ():
            changed = max(changed, status.st_ctime)
            if stat.S_ISREG(status.st_mode):
                entries[path.relative_to(folder).as_posix()] = status
            elif not stat.S_ISDIR(status.st_mode):
                fault = fault or _not_a_file(path.relative_to(folder).as_posix())
    except FileNotFoundError:
        return None
    except OSError as error:
        fault = f"{error.filename} cannot be read ({error.strerror}); check its rights"
    if not stat.S_ISDIR(top.st_mode):
        fault = _not_a_file(folder.name)
    files = {
        name: (status.st_size, status.st_mtime_ns)
        for name, status in sorted(entries.items())
        if name not in _MARKS and not name.rpartition("/")[2].startswith(".")
    }
    return Delivery(
        folder=folder,
        files=tuple(files),
        fingerprint=sha256_json([files, fault]),
        changed=changed,
        is_marked=MARKER in entries,
        fault=fault,
    )


def _entries(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """All that is below a folder, without following a link.

    Of times, the one of a file's inode counts: copying may keep the time of its content.
    """
    with os.scandir(folder) as found:
        for entry in found:
            yield Path(entry.path), entry.stat(follow_symlinks=False)
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(Path(entry.path))


def _not_a_file(name: str) -> str:
    return f"{name} is a link or no plain file; deliver the files themselves"
