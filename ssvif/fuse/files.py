"""Fuses image files: one pair, two folders paired by name, or a delivery as it is.

What is fused already is passed over, so the same call goes on where an earlier one was killed.
"""

import logging
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ssvif.data.images import (
    SUFFIXES,
    UInt8Image,
    read_four_channels,
    read_infrared_raw,
    read_visible,
    scale_infrared,
    write_png,
)
from ssvif.data.infrared_range import EIGHT_BITS, common_range, is_deep
from ssvif.data.layouts import AUTO, find_captures
from ssvif.data.sets import read_set_info
from ssvif.errors import CapturesError, ImageError, SsvifError
from ssvif.files import sha256_file
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.marks import Marks, read_marks
from ssvif.fuse.views import FUSED
from ssvif.models.fusion import DEAD
from ssvif.params import MAX_PIXELS, PERCENTILES

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FusePair:
    """Files of one pair, where its fused image goes, and files that claim the same name."""

    vis: Path
    ir: Path
    out: Path
    spare: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Fused:
    """What became of pairs.

    Args:
        fused: How many were fused just now.
        skipped: How many were there already, of the same sources and weights.
        failed: Why each other one failed, by its visible file.
    """

    fused: int
    skipped: int
    failed: Mapping[Path, str]

    @property
    def sentence(self) -> str:
        """The same for people, such as `fused 3 of 10 pairs, 7 were done already`."""
        total = self.fused + self.skipped + len(self.failed)
        parts = [f"fused {self.fused} of {total} pairs"]
        parts += [f"{self.skipped} were done already"] if self.skipped else []
        parts += [f"{len(self.failed)} failed"] if self.failed else []
        return ", ".join(parts)


def pair_files(vis: Path, ir: Path, out: Path) -> list[FusePair]:
    """Pair two files, or two folders by their files' names without suffix, in any letter case.

    Args:
        vis: A visible image or a folder of them.
        ir: An infrared image or a folder of them.
        out: A PNG to write for two files; a folder for two folders.

    Raises:
        CapturesError: If one is a file and the other a folder, either is missing, no names
            match, or `out` does not fit or holds the sources.
    """
    for path in (vis, ir):
        if not path.exists():
            raise CapturesError(f"{path}: no such file or folder")
    if vis.is_dir() != ir.is_dir():
        raise CapturesError(f"expected two files or two folders, found {vis} and {ir}")
    if vis.is_dir():
        return _pair_folders(vis, ir, out)
    target = out / f"{vis.stem}.png" if out.is_dir() else out
    if target.suffix.lower() != ".png":
        raise CapturesError(f"{target}: expected an output that ends in .png, or a folder")
    return [FusePair(vis, ir, target)]


def pair_captures(folder: Path, out: Path) -> list[FusePair]:
    """Find the pairs of a delivery, in any layout of `ssvif.data.layouts`.

    Args:
        folder: The captures, as they were delivered.
        out: A folder for the fused images; each is called as its pair is, and may so lie in a
            folder below it.

    Returns:
        The pairs; what is without its other half is warned of and passed over.

    Raises:
        CapturesError: If the folder is missing or holds no pair, or `out` is a file or the folder.
    """
    if not folder.is_dir():
        raise CapturesError(f"{folder}: no such folder; give the one that holds the captures")
    _require_folder_of_its_own(out, folder)
    info = read_set_info(folder)
    captures = find_captures(folder, info.layout if info else AUTO)
    whole = [
        FusePair(capture.vis, capture.ir, out / f"{capture.name}.png", capture.spare)
        for capture in captures
        if capture.vis is not None and capture.ir is not None
    ]
    if not whole:
        raise CapturesError(f"{folder}: no visible image has its infrared half")
    if len(whole) < len(captures):
        logger.warning("%d captures lack a half and are passed over", len(captures) - len(whole))
    return whole


def fuse_folder(
    fuser: Fuser, folder: Path, out: Path, *, ir_range: tuple[float, float] | None = None
) -> Fused:
    """Fuse a whole delivery; a second call does what is left to do.

    Args:
        fuser: What fuses.
        folder: The captures, in any layout of `ssvif.data.layouts`.
        out: A folder for the fused images.
        ir_range: See `fuse_files`; by default that of the folder's `set.yaml`, if it has one.

    Raises:
        CapturesError: If the folder is missing or holds no pair, or `out` is a file.
    """
    pairs = pair_captures(folder, out)
    info = read_set_info(folder)
    known = ir_range or (info.infrared_range if info else None)
    return fuse_files(fuser, pairs, ir_range=known)


def fuse_files(
    fuser: Fuser, pairs: Sequence[FusePair], *, ir_range: tuple[float, float] | None = None
) -> Fused:
    """Fuse pairs of files; a pair that fails is reported and the rest goes on.

    An output that says that it comes from the same files and weights, for the same view, is left.

    Args:
        fuser: What fuses.
        pairs: The files.
        ir_range: Raw values of black and white of infrared with more than 8 bits; by default
            percentiles over all such images given, of which there must be several.

    Returns:
        How many were fused, and why others were not.
    """
    deep_range = ir_range or _find_range([pair.ir for pair in pairs])
    failed: dict[Path, str] = {}
    fused = 0
    for pair in pairs:
        try:
            fused += _fuse_pair(fuser, pair, deep_range)
        except SsvifError as error:
            failed[pair.vis] = str(error)
    return Fused(fused, len(pairs) - fused - len(failed), failed)


def _fuse_pair(fuser: Fuser, pair: FusePair, deep_range: tuple[float, float] | None) -> bool:
    """Fuse one pair, and return whether there was anything to do."""
    if pair.spare:
        names = ", ".join(path.name for path in (pair.vis, pair.ir, *pair.spare))
        raise ImageError(f"{names} claim one name; keep one in each folder")
    if pair.out.resolve() in (pair.vis.resolve(), pair.ir.resolve()):
        raise ImageError(f"{pair.out}: would overwrite its own source; choose another output")
    marks = _marks(fuser, pair, deep_range)
    if marks is not None and read_marks(pair.out) == marks:
        return False
    vis, ir = _read_pair(pair, deep_range)
    for path, image in ((pair.vis, vis), (pair.ir, ir)):
        if image.std() < DEAD * 255.0:
            logger.warning("%s: shows nothing (all of one grey); check lens cap and range", path)
    write_png(pair.out, fuser(vis, ir), text=marks.as_text() if marks else None)
    return True


def _marks(fuser: Fuser, pair: FusePair, deep_range: tuple[float, float] | None) -> Marks | None:
    if fuser.weights is None:
        return None
    try:
        vis, ir = sha256_file(pair.vis), sha256_file(pair.ir)
    except OSError as error:
        raise ImageError(f"{error.filename}: cannot be read ({error.strerror})") from error
    scaled = deep_range is not None and pair.vis != pair.ir and is_deep(pair.ir)
    ir_range = f"{deep_range[0]:g} {deep_range[1]:g}" if scaled and deep_range else ""
    view = "" if fuser.view == FUSED else fuser.view
    return Marks(fuser.weights, vis, ir, ir_range, view)


def _read_pair(
    pair: FusePair, deep_range: tuple[float, float] | None
) -> tuple[UInt8Image, UInt8Image]:
    if pair.vis == pair.ir:
        return read_four_channels(pair.vis, max_pixels=MAX_PIXELS)
    vis = read_visible(pair.vis, max_pixels=MAX_PIXELS)
    raw = read_infrared_raw(pair.ir, max_pixels=MAX_PIXELS)
    value_range = EIGHT_BITS if raw.dtype == np.uint8 else deep_range
    if value_range is None:
        raise ImageError(
            f"{pair.ir}: more than 8 bits, and no other image to find black and white from; give"
            " the camera's raw values with --ir-range BLACK WHITE (of a set that was brought in:"
            " infrared_range in its set.yaml, or ir_low and ir_high in the manifest)"
        )
    return vis, scale_infrared(raw, value_range)


def _pair_folders(vis: Path, ir: Path, out: Path) -> list[FusePair]:
    _require_folder_of_its_own(out, vis, ir)
    vis_files, ir_files = _images(vis), _images(ir)
    common = sorted(vis_files.keys() & ir_files.keys())
    if not common:
        raise CapturesError(
            f"no image of {vis} has the name of one of {ir}; pairs are matched by name"
        )
    lonely = len(vis_files.keys() ^ ir_files.keys())
    if lonely:
        logger.warning("%d images have no partner of their name and are passed over", lonely)
    return [_pair(vis_files[name], ir_files[name], out) for name in common]


def _require_folder_of_its_own(out: Path, *sources: Path) -> None:
    """Refuse an output among the sources: the next call would take it for one of them."""
    if out.is_file() or out.suffix.lower() in SUFFIXES:
        raise CapturesError(f"{out}: expected a folder for the fused images, found a file's name")
    if out.resolve() in {source.resolve() for source in sources}:
        raise CapturesError(f"{out}: holds the sources; choose another folder for the fused images")


def _pair(vis: Sequence[Path], ir: Sequence[Path], out: Path) -> FusePair:
    target = out / f"{vis[0].stem}.png"
    return FusePair(vis[0], ir[0], target, spare=(*vis[1:], *ir[1:]))


def _images(folder: Path) -> Mapping[str, Sequence[Path]]:
    """Return a folder's images by their names without suffix, hidden ones left out."""
    images: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            name = unicodedata.normalize("NFC", path.stem).casefold()
            images.setdefault(name, []).append(path)
    return images


def _find_range(paths: Sequence[Path]) -> tuple[float, float] | None:
    """Return one range for all images of more than 8 bits, or None where there is only one."""
    deep = [path for path in paths if is_deep(path)]
    # A range from a single image would stretch it: equal temperatures, other grey values.
    if len(deep) < 2:
        return None
    found = common_range(deep, percentiles=PERCENTILES, max_pixels=MAX_PIXELS)
    if found:
        low, high = found
        logger.info(
            "deep infrared: %g is black and %g white, from all files given; --ir-range sets them",
            low,
            high,
        )
    return found
