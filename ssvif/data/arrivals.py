"""In which order the captures of a set arrived, so that later ones move none to another split.

Blocks of neighbours are dealt out in this order. By their names alone, a delivery whose names
come before those of an earlier one would shift every block behind it, and a pair that a model was
trained on would be held out from the next. `arrivals.txt` in the set's folder has a name a line.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ssvif.data.layouts import Capture, natural_key
from ssvif.errors import CapturesError
from ssvif.files import write_changed

ARRIVALS_FILE = "arrivals.txt"


def in_order_of_arrival(captures: Iterable[Capture], folder: Path) -> list[Capture]:
    """Return captures as they arrived; those that no delivery brought come last, by name.

    Args:
        captures: The captures of one set.
        folder: The set's folder.

    Raises:
        CapturesError: If the list of arrivals cannot be read.
    """
    ranks = {name: rank for rank, name in enumerate(_read(folder / ARRIVALS_FILE))}
    last = len(ranks)
    return sorted(captures, key=lambda c: (ranks.get(c.name, last), natural_key(c.name)))


def note_arrivals(captures: Iterable[Capture], folder: Path) -> None:
    """Add the captures that the list of arrivals does not have, by name, at its end.

    Args:
        captures: All captures of the set.
        folder: The set's folder.

    Raises:
        CapturesError: If the list cannot be read.
        StorageError: If it cannot be written.
    """
    names = [capture.name for capture in in_order_of_arrival(captures, folder)]
    known = _read(folder / ARRIVALS_FILE)
    # A name stays when its files are deleted: what arrived after it keeps its place.
    listed = [*known, *(name for name in names if name not in set(known))]
    write_changed(folder / ARRIVALS_FILE, "".join(f"{name}\n" for name in listed).encode())


def _read(path: Path) -> Sequence[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise CapturesError(
            f"{path}: not readable ({error}); bring back the file, or delete it to deal out the "
            "set by names alone"
        ) from error
