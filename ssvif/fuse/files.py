"""Fuses image files: one pair, or two folders paired by name."""

import logging
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ssvif.data.images import (
    SUFFIXES,
    read_infrared_raw,
    read_visible,
    scale_infrared,
    write_png,
)
from ssvif.data.infrared_range import EIGHT_BITS, common_range, is_deep
from ssvif.errors import CapturesError, ImageError, SsvifError
from ssvif.fuse.fuser import Fuser
from ssvif.params import MAX_PIXELS, PERCENTILES

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FusePair:
    """Files of one pair, where its fused image goes, and files that claim the same name."""

    vis: Path
    ir: Path
    out: Path
    spare: tuple[Path, ...] = ()


def pair_files(vis: Path, ir: Path, out: Path) -> list[FusePair]:
    """Pair two files, or two folders by their files' names without suffix, in any letter case.

    Args:
        vis: A visible image or a folder of them.
        ir: An infrared image or a folder of them.
        out: A PNG to write for two files; a folder for two folders.

    Raises:
        CapturesError: If one is a file and the other a folder, either is missing, no names
            match, or `out` does not fit.
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


def fuse_files(
    fuser: Fuser, pairs: Sequence[FusePair], *, ir_range: tuple[float, float] | None = None
) -> dict[Path, str]:
    """Fuse pairs of files; a pair that fails is reported and the rest goes on.

    Args:
        fuser: What fuses.
        pairs: The files.
        ir_range: Raw values of black and white of infrared with more than 8 bits; by default
            percentiles over all such images given, of which there must be several.

    Returns:
        Why each visible file that failed did so; empty where all went well.
    """
    deep_range = ir_range or _find_range([pair.ir for pair in pairs])
    failed = {}
    for pair in pairs:
        try:
            _fuse_pair(fuser, pair, deep_range)
        except SsvifError as error:
            failed[pair.vis] = str(error)
    return failed


def _fuse_pair(fuser: Fuser, pair: FusePair, deep_range: tuple[float, float] | None) -> None:
    if pair.spare:
        names = ", ".join(path.name for path in (pair.vis, pair.ir, *pair.spare))
        raise ImageError(f"{names} claim one name; keep one in each folder")
    if pair.out.resolve() in (pair.vis.resolve(), pair.ir.resolve()):
        raise ImageError(f"{pair.out}: would overwrite its own source; choose another output")
    vis = read_visible(pair.vis, max_pixels=MAX_PIXELS)
    raw = read_infrared_raw(pair.ir, max_pixels=MAX_PIXELS)
    value_range = EIGHT_BITS if raw.dtype == np.uint8 else deep_range
    if value_range is None:
        raise ImageError(
            f"{pair.ir}: more than 8 bits, and no other image to find black and white from; give"
            " the camera's raw values with --ir-range BLACK WHITE (of a set that was brought in:"
            " infrared_range in its set.yaml, or ir_low and ir_high in the manifest)"
        )
    write_png(pair.out, fuser(vis, scale_infrared(raw, value_range)))


def _pair_folders(vis: Path, ir: Path, out: Path) -> list[FusePair]:
    if out.is_file():
        raise CapturesError(f"{out}: expected a folder for the fused images, found a file")
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
