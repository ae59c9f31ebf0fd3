"""Fused images of any method, from a folder: matched to pairs by name, never by position.

An image belongs to a pair by `SET/NAME`, by `NAME`, by `SET/STEM` or by the stem alone (the last
part of the name), in this order and whatever its suffix and letter case; a name that fits several
pairs or several images fits none.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

import pandas as pd
import torch
from torch import Tensor

from ssvif.data.images import SUFFIXES, is_grey, read_visible
from ssvif.errors import EvaluationError, ImageError
from ssvif.evaluation.candidates import Scene, quantise
from ssvif.ops import luminance
from ssvif.params import MAX_PIXELS

_SAME_PROPORTIONS = 0.01
_LEVELS = 4  # of names, see `_names`

_T = TypeVar("_T")


@dataclass(frozen=True)
class FolderCandidate:
    """A folder of fused images.

    Args:
        name: What it is called in tables.
        files: The image of each pair that has one, by the pair's id.
        missing: Why other pairs have none, by the pair's id.
        fused: Whether the images have the size of the pairs; smaller ones are only probed.
    """

    name: str
    files: Mapping[str, Path]
    missing: Mapping[str, str]
    fused: bool = True
    live: bool = False

    def fuse(self, scene: Scene) -> Tensor:
        """Return a pair's image, (1, 1, H, W), or (1, 3, H, W) where it is in colour.

        Raises:
            ImageError: If there is none, it cannot be read, or it has another size.
        """
        image = self.read(scene)
        _require_size(image, scene, self.files[scene.id])
        return image

    def read(self, scene: Scene) -> Tensor:
        """Return a pair's image in its own size, which has the pair's proportions.

        Raises:
            ImageError: If there is none, it cannot be read, or its proportions are others.
        """
        path = self.files.get(scene.id)
        if path is None:
            raise ImageError(self.missing.get(scene.id, f"no image of {scene.set}/{scene.name}"))
        levels = read_visible(path, max_pixels=MAX_PIXELS)
        planes = torch.from_numpy(levels.copy()).permute(2, 0, 1)[None]  # -> (1, 3, h, w)
        image = planes.to(scene.ir.device).float() / 255.0
        height, width = scene.ir.shape[-2:]
        own = image.shape[-2] * width / (image.shape[-1] * height)
        if abs(own - 1.0) > _SAME_PROPORTIONS:
            _require_size(image, scene, path)
        return quantise(luminance(image)) if is_grey(levels) else image


def open_folder(
    name: str, folder: Path, rows: pd.DataFrame, manifest: pd.DataFrame
) -> FolderCandidate:
    """Match a folder's images with pairs.

    Args:
        name: What the candidate is called in tables.
        folder: Where the images are, in sub-folders or not.
        rows: The pairs that are evaluated: id, set, name.
        manifest: All pairs; where a name fits several, one that is evaluated goes first.

    Raises:
        EvaluationError: If there is no such folder, or no image has the name of an evaluated pair.
    """
    if not folder.is_dir():
        raise EvaluationError(f"{name}: {folder} is no folder; give the one with its fused images")
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    found, missing = _match(rows, files, folder)
    if not found:
        raise EvaluationError(_nothing_found(name, folder, rows, files))
    others, _ = _match(manifest, files, folder)
    taken = set(found.values())
    unseen = {id_: path for id_, path in others.items() if path not in taken}
    return FolderCandidate(name, files={**unseen, **found}, missing=missing)


def _match(
    rows: pd.DataFrame, files: Sequence[Path], folder: Path
) -> tuple[dict[str, Path], dict[str, str]]:
    """Return each pair's image, and why others have none, by id."""
    pairs = {
        str(row["id"]): _names(str(row["set"]), str(row["name"])) for row in rows.to_dict("records")
    }
    full = {str(row["id"]): f"{row['set']}/{row['name']}" for row in rows.to_dict("records")}
    found: dict[str, Path] = {}
    reasons: dict[str, str] = {}
    for level in range(_LEVELS):
        taken = set(found.values())
        # The stem counts wherever the image lies; the other names are paths below the folder.
        images = _grouped(
            (_key(path.stem if level == _LEVELS - 1 else _relative(path, folder)), path)
            for path in files
            if path not in taken
        )
        sharing = _grouped((names[level], id_) for id_, names in pairs.items())
        for id_ in pairs.keys() - found.keys():
            name = pairs[id_][level]
            if len(images[name]) == len(sharing[name]) == 1:
                found[id_] = images[name][0]
            elif images[name]:
                text = _ambiguous(images[name], len(sharing[name]), full[id_])
                reasons.setdefault(id_, text)
    for id_ in pairs.keys() - found.keys():
        reasons.setdefault(id_, f"no image called {full[id_]} or {PurePosixPath(full[id_]).name}")
    missing = {id_: reasons[id_] for id_ in pairs if id_ not in found}
    return {id_: found[id_] for id_ in pairs if id_ in found}, missing


def _names(set_: str, name: str) -> tuple[str, str, str, str]:
    """Return what a pair's image may be called, the most certain first."""
    stem = PurePosixPath(name).name
    full, short, part, last = (
        _key(text) for text in (f"{set_}/{name}", name, f"{set_}/{stem}", stem)
    )
    return full, short, part, last


def _ambiguous(images: Sequence[Path], pairs: int, full: str) -> str:
    if len(images) > 1:
        listed = ", ".join(path.name for path in images[:3])
        return f"{len(images)} images may be its own ({listed}); keep one, or call it {full}"
    return f"{images[0].name} may be the image of {pairs} pairs; call it {full}"


def _nothing_found(name: str, folder: Path, rows: pd.DataFrame, files: Sequence[Path]) -> str:
    first = rows.iloc[0]
    stem = PurePosixPath(str(first["name"])).name
    expected = f"expected names of pairs, such as {stem}.png or {first['set']}/{first['name']}.png"
    if not files:
        return f"{name}: no image in {folder}; {expected}"
    came = _relative(files[0], folder) + files[0].suffix
    what = f"{name}: none of the {len(files)} images in {folder} has the name of a pair"
    return f"{what}; {expected}, found {came}"


def _require_size(image: Tensor, scene: Scene, path: Path) -> None:
    height, width = scene.ir.shape[-2:]
    if image.shape[-2:] != scene.ir.shape[-2:]:
        raise ImageError(
            f"{path}: expected {width}x{height}, the size of the pair, found "
            f"{image.shape[-1]}x{image.shape[-2]}; fuse at the full size"
        )


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix()


def _key(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _grouped(items: Iterable[tuple[str, _T]]) -> defaultdict[str, list[_T]]:
    groups: defaultdict[str, list[_T]] = defaultdict(list)
    for key, value in items:
        groups[key].append(value)
    return groups
