"""A folder of synthetic pairs in the layout of a capture set."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ssvif.data.synthetic.pair import SyntheticPair, render_pair
from ssvif.errors import StorageError
from ssvif.files import atomic_folder, atomic_path, write_text

_NAME = re.compile(r"\d{5,}_(day|dusk|night)_(clear|glare|fog|smoke)\.(png|txt)")


def write_sample(folder: Path, *, pairs: int, height: int, width: int, seed: int) -> None:
    """Render pairs into `folder`/{vis,ir,labels,boxes}/NAME.{png,txt}.

    Visible files are RGB, infrared and label files 8-bit grey; a boxes file has one line
    `class centre_x centre_y width height` a thing, as shares of the picture. Everything is
    rendered beside `folder` and moved there at the end: a killed run leaves it as it was.

    Args:
        folder: Made anew; a sample that is there is replaced.
        pairs: How many.
        height: In pixels, at least 64.
        width: In pixels, at least 64.
        seed: Equal seeds give equal bytes.

    Raises:
        ShapeError: If the size is too small to show a street.
        StorageError: If `folder` holds other files or is the current one, or a file cannot be
            written.
    """
    folder = folder.resolve()
    _require_own(folder)
    with atomic_folder(folder) as unfinished:
        for index in range(pairs):
            _write_pair(unfinished, render_pair(index, seed=seed, height=height, width=width))
        _require_own(folder)  # rendering takes a while


def _require_own(folder: Path) -> None:
    """Refuse to replace a folder that holds anything but a sample."""
    if Path.cwd().is_relative_to(folder):
        raise StorageError(f"{folder}: the current folder is in it; name a new or empty folder")
    paths = [path for path in folder.rglob("*") if not path.is_dir()]
    other = [path for path in paths if path.parent.parent != folder or not _NAME.match(path.name)]
    if other or folder.is_file():
        found = other[0].name if other else "it is a file"
        raise StorageError(f"{folder}: holds other files ({found}); name a new or empty folder")


def _write_pair(folder: Path, pair: SyntheticPair) -> None:
    lines = [f"{box[0]} " + " ".join(f"{share:.6f}" for share in box[1:]) for box in pair.boxes]
    write_text(folder / "boxes" / f"{pair.name}.txt", "".join(f"{line}\n" for line in lines))
    _write_png(folder / "labels" / f"{pair.name}.png", pair.mask)
    _write_png(folder / "ir" / f"{pair.name}.png", pair.ir)
    _write_png(folder / "vis" / f"{pair.name}.png", pair.vis)


def _write_png(path: Path, image: NDArray[np.uint8]) -> None:
    with atomic_path(path) as temporary:
        Image.fromarray(image).save(temporary)
