"""Fuses image files: one pair, or two folders paired by name."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ssvif.data.images import (
    SUFFIXES,
    infrared_depth,
    read_infrared_raw,
    read_visible,
    scale_infrared,
    write_png,
)
from ssvif.errors import CapturesError, ImageError, SsvifError
from ssvif.fuse.fuser import Fuser

logger = logging.getLogger(__name__)

MAX_PIXELS = 50_000_000
EIGHT_BIT_RANGE = (0.0, 255.0)
PERCENTILES = (0.1, 99.9)

# Of each deep infrared image, so that percentiles over a long list stay cheap.
_SAMPLED_PIXELS = 10_000


@dataclass(frozen=True)
class FusePair:
    """Files of one pair, and where its fused image goes."""

    vis: Path
    ir: Path
    out: Path


def pair_files(vis: Path, ir: Path, out: Path) -> list[FusePair]:
    """Pair two files, or two folders by their files' names without suffix.

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
            percentiles over all pairs given.

    Returns:
        Why each visible file that failed did so; empty where all went well.
    """
    deep_range = ir_range or _common_range([pair.ir for pair in pairs])
    failed = {}
    for pair in pairs:
        try:
            _fuse_pair(fuser, pair, deep_range)
        except SsvifError as error:
            failed[pair.vis] = str(error)
    return failed


def _fuse_pair(fuser: Fuser, pair: FusePair, deep_range: tuple[float, float]) -> None:
    if pair.out.resolve() in (pair.vis.resolve(), pair.ir.resolve()):
        raise ImageError(f"{pair.out}: would overwrite its own source; choose another output")
    vis = read_visible(pair.vis, max_pixels=MAX_PIXELS)
    raw = read_infrared_raw(pair.ir, max_pixels=MAX_PIXELS)
    value_range = EIGHT_BIT_RANGE if raw.dtype == np.uint8 else deep_range
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
    return [FusePair(vis_files[name], ir_files[name], out / f"{name}.png") for name in common]


def _images(folder: Path) -> Mapping[str, Path]:
    """Return a folder's images by their names without suffix."""
    images: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES:
            continue
        if path.stem in images:
            raise CapturesError(
                f"{path} and {images[path.stem].name} have one name; keep one of them in the folder"
            )
        images[path.stem] = path
    return images


def _common_range(paths: Sequence[Path]) -> tuple[float, float]:
    """Return percentiles over all infrared images that have more than 8 bits.

    One range for all, never image by image: equal temperatures keep equal grey values.
    """
    samples = []
    for path in paths:
        try:
            if infrared_depth(path) == 8:
                continue
            raw = read_infrared_raw(path, max_pixels=MAX_PIXELS).ravel()
        except ImageError:
            continue  # reported when its pair is fused
        values = raw[:: max(1, raw.size // _SAMPLED_PIXELS)]
        samples.append(values[np.isfinite(values)])
    if not samples:
        return EIGHT_BIT_RANGE
    low, high = (float(level) for level in np.percentile(np.concatenate(samples), PERCENTILES))
    logger.info(
        "deep infrared: %g is black and %g white, from all files given; --ir-range sets them",
        low,
        high,
    )
    return low, high
