"""Where the served model comes from, and whether another one is there now."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ssvif.errors import ModelError
from ssvif.fuse.places import CHAMPION, PRETRAINED


@dataclass(frozen=True)
class Found:
    """A model as it was found.

    Args:
        path: A bundle's folder, or a weights file.
        name: What it is called.
        version: Its version in the registry, where it is from there.
        mark: Another one, where the model is another one.
    """

    path: Path
    name: str
    version: str | None
    mark: str


class Source(Protocol):
    """Where a model comes from."""

    def find(self) -> Found:
        """Look for it.

        Raises:
            SsvifError: If it is not there now.
        """
        ...


class PathSource:
    """A bundle's folder or a weights file.

    Args:
        path: Where.
        name: What it is called; by default as its folder or file.
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        self._path = path
        place = path.resolve()
        self._name = name or (place.name if place.is_dir() else place.stem)

    def find(self) -> Found:
        """See `Source.find`."""
        return Found(self._path, self._name, None, _mark(self._path))


class ChampionSource:
    """The champion in the current folder; the package's model until there is one.

    A champion that is gone is an error, not the package's model's return: what replaces a folder
    takes it away for a moment.
    """

    def __init__(self, champion: Path = CHAMPION) -> None:
        self._champion = PathSource(champion, "champion")
        self._place = champion
        self._was_there = False

    def find(self) -> Found:
        """See `Source.find`."""
        self._was_there = self._was_there or self._place.exists()
        if self._was_there:
            return self._champion.find()
        return PathSource(PRETRAINED).find()


class RegistrySource:
    """A model of the registry; needs MLflow.

    Args:
        address: `models:/NAME@ALIAS` or `models:/NAME/VERSION`.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._last: Found | None = None

    def find(self) -> Found:
        """See `Source.find`; downloads what is not here, and reads no file of the same one."""
        # Imports MLflow.
        from ssvif.registry.resolve import fetch_bundle, look_up

        found = look_up(self._address)
        if self._last is None or self._last.mark != found.digest:
            name = self._address.removeprefix("models:/")
            self._last = Found(fetch_bundle(found), name, str(found.version), found.digest)
        return self._last


def _mark(path: Path) -> str:
    """Return what a file or a folder's files are now, without reading them."""
    marks = []
    try:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            state = file.stat()
            marks.append(f"{file.name} {state.st_ino} {state.st_size} {state.st_mtime_ns}")
    except OSError as error:
        raise ModelError(
            f"{path}: no model there ({error.strerror}); name a bundle's folder or a weights file"
        ) from error
    return "\n".join(marks)
