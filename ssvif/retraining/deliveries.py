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
_MAX_NAME_BYTES = 200  # file systems take 255, endings of ours among them
_MAX_DEPTH = 32  # of folders within a delivery; who reads them calls itself for each
_MAX_SHOWN = 80  # characters of a name that is refused


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
        """Its folder's name; of one that cannot be written down, what can, and a hash."""
        name = self.folder.name
        return name if is_name(name) else f"{_shown(name)}~{sha256_json(name)[:8]}"

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


def is_name(text: str) -> bool:
    """Tell whether a file's name can be written down anywhere: it is UTF-8, and not too long."""
    try:
        return len(text.encode()) <= _MAX_NAME_BYTES
    except UnicodeEncodeError:
        return False


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
    is_folder = entry.is_dir(follow_symlinks=False)
    return not entry.name.startswith(".") and (is_folder or entry.is_symlink())


def _look(folder: Path) -> Delivery | None:
    entries: dict[str, os.stat_result] = {}
    try:
        top = folder.lstat()
        changed, fault = top.st_ctime, _fault(folder.name, top)
        for path, status in _entries(folder) if stat.S_ISDIR(top.st_mode) else ():
            name = path.relative_to(folder).as_posix()
            changed, fault = max(changed, status.st_ctime), fault or _fault(name, status)
            if stat.S_ISREG(status.st_mode):
                entries[name] = status
    except FileNotFoundError:
        return None
    except OSError as error:
        fault = fault or _unreadable(error.filename, error.strerror)
    files = {
        name: (status.st_size, status.st_mtime_ns)
        for name, status in sorted(entries.items())
        if name not in _MARKS and not name.rpartition("/")[2].startswith(".")
    }
    shut = (name for name in files if not os.access(folder / name, os.R_OK))
    fault = fault or next((_unreadable(name, "Permission denied") for name in shut), None)
    return Delivery(
        folder=folder,
        files=tuple(files),
        fingerprint=sha256_json([files, fault]),
        changed=changed,
        is_marked=MARKER in entries,
        fault=fault,
    )


def _entries(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """All that is below a folder, what it is in first, without following a link.

    Of times, the one of a file's inode counts: copying may keep the time of its content.
    """
    folders = [folder]
    while folders:
        with os.scandir(folders.pop()) as found:
            for entry in found:
                yield Path(entry.path), entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))


def _fault(name: str, status: os.stat_result) -> str | None:
    """Return why a delivery that holds this is not taken in, or None."""
    if not is_name(name.rpartition("/")[2]):
        limit = f"at most {_MAX_NAME_BYTES} bytes of UTF-8"
        return f"{_shown(name)} cannot be kept as a name; rename it, with {limit}"
    if name.count("/") >= _MAX_DEPTH:
        return f"{_shown(name)} lies too deep; deliver at most {_MAX_DEPTH} folders in one another"
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        return f"{name} is a link or no plain file; deliver the files themselves"
    return None


def _unreadable(name: str, reason: str | None) -> str:
    return f"{name} cannot be read ({reason}); check its rights"


def _shown(name: str) -> str:
    return ascii(name)[1:-1][:_MAX_SHOWN]
