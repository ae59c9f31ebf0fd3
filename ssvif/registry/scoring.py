"""Fuses the rows of a table: what MLflow's server and Spark do with a registered model.

    vis    a path below the folder that the server was given, or `data:image/png;base64,...`
    ir     the same
    out    where the fused image shall lie, below that folder, too; empty to get it in the answer

Each row is answered by `out`, `png` (base64) or `error`, and the other two are empty: not None, of
which MLflow makes the word "None" in Spark. One row's error is no other's.
"""

import base64
import binascii
import tempfile
from collections.abc import Hashable, Mapping
from pathlib import Path

import pandas as pd

from ssvif.errors import CapturesError, SsvifError
from ssvif.fuse.files import fuse_each
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.marks import read_marks
from ssvif.fuse.pair import Manner
from ssvif.fuse.pairing import FusePair
from ssvif.registry.package import ERROR, INPUTS, OUT, PNG

FOLDER_VARIABLE = "SSVIF_FOLDER"

_DATA = "data:"
_BASE64 = ";base64"

_Row = Mapping[Hashable, object]


def score(fuser: Fuser, rows: pd.DataFrame, *, folder: Path | None, manner: Manner) -> pd.DataFrame:
    """Fuse the pairs of a table.

    Args:
        fuser: What fuses.
        rows: With the columns `vis` and `ir`, and perhaps `out`.
        folder: What paths are relative to and never leave; None if none may be given.
        manner: How; infrared of more than 8 bits needs its range there.

    Returns:
        A row each, with the columns `out`, `png` and `error`, two of which are empty.
    """
    with tempfile.TemporaryDirectory(prefix="ssvif-") as name:
        place = _Places(folder.resolve() if folder else None, Path(name))
        answers: list[dict[str, str]] = []
        pairs: list[FusePair] = []
        asked: list[int] = []
        for number, row in enumerate(rows.to_dict("records")):
            answers.append({OUT: "", PNG: "", ERROR: ""})
            try:
                pairs.append(place.pair(number, row))
                asked.append(number)
            except SsvifError as error:
                answers[-1][ERROR] = place.public(str(error))
        for number, pair, outcome in zip(
            asked, pairs, fuse_each(fuser, pairs, manner=manner), strict=True
        ):
            if isinstance(outcome, SsvifError):
                answers[number][ERROR] = place.public(str(outcome))
            elif place.is_scratch(pair.out):
                answers[number][PNG] = base64.b64encode(pair.out.read_bytes()).decode()
                pair.out.unlink()
            else:
                answers[number][OUT] = place.public(str(pair.out))
    return pd.DataFrame(answers, columns=[OUT, PNG, ERROR], index=rows.index, dtype=object)


class _Places:
    """Where the files of rows lie.

    Args:
        folder: What paths are relative to, resolved, or None.
        scratch: A folder for what came with the rows, and what goes back with them.
    """

    def __init__(self, folder: Path | None, scratch: Path) -> None:
        self._folder = folder
        self._scratch = scratch
        self._outs: set[Path] = set()

    def pair(self, number: int, row: _Row) -> FusePair:
        """Return the files of a row.

        Raises:
            CapturesError: If a cell is no such path or image.
        """
        vis, ir = (self._source(f"{number}-{name}", name, row.get(name)) for name in INPUTS)
        out = self._out(number, row.get(OUT))
        if out in (vis, ir):
            raise CapturesError(f"out: {row.get(OUT)}: would overwrite its own source")
        return FusePair(vis, ir, out)

    def is_scratch(self, path: Path) -> bool:
        """Whether a file is to go back with its row."""
        return path.parent == self._scratch

    def public(self, text: str) -> str:
        """Return a text without the names of this machine's folders."""
        for folder in (self._scratch, self._folder):
            text = text.replace(f"{folder}/", "") if folder else text
        return text

    def _source(self, scratch: str, name: str, cell: object) -> Path:
        if not isinstance(cell, str) or not cell:
            raise CapturesError(f"{name}: expected a path or data:image/png;base64,..., found none")
        if not cell.startswith(_DATA):
            return self._confined(name, cell)
        head, _, content = cell.partition(",")
        try:
            decoded = base64.b64decode(content, validate=True) if head.endswith(_BASE64) else b""
        except (binascii.Error, ValueError):
            decoded = b""
        if not decoded:
            raise CapturesError(f"{name}: expected data:image/png;base64,... and an image")
        path = self._scratch / scratch
        path.write_bytes(decoded)
        return path

    def _out(self, number: int, cell: object) -> Path:
        if not isinstance(cell, str) or not cell:
            return self._scratch / f"{number}.png"
        path = self._confined(OUT, cell)
        if path.suffix.lower() != ".png":
            raise CapturesError(f"out: {cell}: expected a name that ends in .png")
        if path in self._outs:
            raise CapturesError(f"out: {cell}: another row of this batch has it; name another one")
        if path.exists() and read_marks(path) is None:
            raise CapturesError(f"out: {cell}: exists and is no fused image; name another one")
        self._outs.add(path)
        return path

    def _confined(self, name: str, cell: str) -> Path:
        if self._folder is None:
            raise CapturesError(
                f"{name}: paths need a folder; set {FOLDER_VARIABLE} where the model is loaded, or "
                "send data:image/png;base64,..."
            )
        try:
            path = (self._folder / cell).resolve()
        except (OSError, RuntimeError, ValueError) as error:
            raise CapturesError(f"{name}: not a path ({error})") from error
        if not path.is_relative_to(self._folder) or path == self._folder:
            raise CapturesError(f"{name}: {cell}: outside the folder that was given")
        return path
