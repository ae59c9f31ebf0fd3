"""The files of a folder of captures, at any depth."""

import logging
import os
import unicodedata
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NoReturn

from ssvif.errors import CapturesError

_LOG = logging.getLogger(__name__)


def walk_files(folder: Path) -> list[str]:
    """Return the paths of all files below a folder, relative, with `/`, sorted.

    Hidden ones are left out, and those whose name cannot be written in a manifest.

    Raises:
        CapturesError: If a folder cannot be read.
    """
    paths = []
    for parent, folders, files in os.walk(folder, onerror=_refuse_folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        paths += [Path(parent, name) for name in files if not name.startswith(".")]
    readable = []
    for path in sorted(paths, key=Path.as_posix):
        if _is_readable(name := path.relative_to(folder).as_posix()):
            readable.append(name)
        else:
            _warn_of_name(path)
    return readable


def linked_folders(folder: Path) -> list[Path]:
    """Return the links to folders in a folder: nobody follows them.

    Raises:
        CapturesError: If a folder cannot be read.
    """
    links = []
    for parent, folders, _ in os.walk(folder, onerror=_refuse_folder):
        paths = [Path(parent, name) for name in sorted(folders) if not name.startswith(".")]
        links += [path for path in paths if path.is_symlink()]
    return links


def list_facts(folder: Path) -> frozenset[tuple[str, int, int]]:
    """Return path, size and time of change of all files in a folder, to see whether any changed."""
    found = set()
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # deleted meanwhile
                fact = Path(place, name).lstat()
                found.add((f"{place}/{name}", fact.st_size, fact.st_mtime_ns))
    return frozenset(found)


def _refuse_folder(error: OSError) -> NoReturn:
    raise CapturesError(
        f"{error.filename}: cannot be read ({error.strerror}); check the folder's rights"
    ) from error


def _is_readable(path: str) -> bool:
    """Whether a name can be written in a manifest: no control characters, valid UTF-8."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in path)


@cache
def _warn_of_name(path: Path) -> None:
    """Tell of a file once, however often its folder is walked."""
    name = ascii(str(path))[1:-1]
    _LOG.warning("%s: left out, its name is not readable text; rename it", name)
