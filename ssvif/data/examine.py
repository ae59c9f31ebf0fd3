"""Examining one capture: read it, check it, bring it into canonical form, measure it."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from ssvif.data import checks
from ssvif.data.duplicates import Thumbnails, thumbnails
from ssvif.data.images import (
    RawImage,
    UInt8Image,
    is_grey,
    read_four_channels,
    read_infrared_raw,
    read_visible,
    scale_infrared,
    write_png,
)
from ssvif.data.infrared_range import EIGHT_BITS
from ssvif.data.layouts import Capture
from ssvif.data.manifest import pair_paths
from ssvif.data.registration import register
from ssvif.data.sharpness import sharpness
from ssvif.errors import ColourInfraredError, ImageError, PairError, PixelLimitError
from ssvif.files import sha256_file, sha256_json
from ssvif.params import IngestParams

_ID_LENGTH = 16
_LEVELS = 255.0
# The parameters that findings depend on.
_RELEVANT = {
    "max_pixels", "min_size", "resize_mismatch", "constant_below", "saturated_above", "max_shift",
}  # fmt: skip

Measure = float | int | bool


@dataclass(frozen=True)
class Source:
    """A capture with the hashes of its files, and the infrared range of its set."""

    capture: Capture
    value_range: tuple[float, float]
    vis_sha256: str
    ir_sha256: str

    def fingerprint(self, params: IngestParams) -> str:
        """Return a hash of all that a finding depends on, but for the code."""
        relevant = params.model_dump(mode="json", include=_RELEVANT)
        kind = [self.capture.is_joint, self.value_range]
        return sha256_json([kind, self.vis_sha256, self.ir_sha256, relevant])


@dataclass(frozen=True)
class Finding:
    """What examining a pair gave: an id and measures, or a code and a sentence.

    Args:
        pair_id: 16 hex digits of the hash of the canonical pair; empty if it was refused.
        measures: Columns of the manifest.
        thumbnails: Area means of both halves, in hex.
        code: Why it was refused; empty if it was not.
        sentence: The same for people.
    """

    pair_id: str = ""
    measures: Mapping[str, Measure] = field(default_factory=dict)
    thumbnails: str = ""
    code: str = ""
    sentence: str = ""

    def thumbnail_arrays(self) -> Thumbnails:
        """Return the thumbnails as an array (2, 256)."""
        return np.frombuffer(bytes.fromhex(self.thumbnails), np.uint8).reshape(2, -1)


def locate(capture: Capture, folder: Path, value_range: tuple[float, float] | None) -> Source:
    """Check that a capture's files are there, and hash them.

    Args:
        capture: The pair.
        folder: Its set's folder.
        value_range: Raw infrared values of black and white; None where all have 8 bits.

    Raises:
        PairError: `outside`, `ambiguous`, `missing_half` or `unreadable`.
    """
    checks.check_inside(capture.files, folder)
    vis, ir = checks.check_halves(capture)
    try:
        vis_hash = sha256_file(vis)
        ir_hash = vis_hash if capture.is_joint else sha256_file(ir)
    except OSError as error:
        raise PairError("unreadable", f"a file cannot be read ({error.strerror})") from error
    return Source(capture, value_range or EIGHT_BITS, vis_hash, ir_hash)


def examine(source: Source, params: IngestParams, pairs: Path) -> Finding:
    """Read, check, measure and write one pair.

    Args:
        source: The pair.
        params: Limits.
        pairs: Where the canonical pair is written, if it is good.

    Returns:
        What was found; refusals are findings too.

    Raises:
        StorageError: If the canonical pair cannot be written.
    """
    try:
        vis, raw = _read(*checks.check_halves(source.capture), max_pixels=params.max_pixels)
        value_range = EIGHT_BITS if raw.dtype == np.uint8 else source.value_range
        scaled = scale_infrared(raw, value_range)
        ir = checks.fit_infrared(vis, scaled, may_resize=params.resize_mismatch)
        measures = _measure(vis, ir, params)
    except PairError as error:
        return Finding(code=error.code, sentence=str(error))
    canonical = _luminance(vis) if measures["grey_visible"] else vis
    pair_id = _identify(canonical, ir)
    for path, image in zip(pair_paths(pair_id, pairs), (canonical, ir), strict=True):
        if not path.exists():  # its name is the hash of what it holds
            write_png(path, image)
    low, high = value_range
    extra = {"resized": ir is not scaled, "ir_low": low, "ir_high": high}
    small = thumbnails(_luminance(vis), ir).tobytes().hex()
    return Finding(pair_id, measures | extra, small)


def _read(vis_path: Path, ir_path: Path, *, max_pixels: int) -> tuple[UInt8Image, RawImage]:
    if vis_path == ir_path:
        with _refusing(vis_path, "image"):
            return read_four_channels(vis_path, max_pixels=max_pixels)
    with _refusing(vis_path, "visible image"):
        vis = read_visible(vis_path, max_pixels=max_pixels)
    with _refusing(ir_path, "infrared image"):
        try:
            return vis, read_infrared_raw(ir_path, max_pixels=max_pixels)
        except ColourInfraredError:
            if is_grey(vis):
                raise PairError(
                    "swapped", "infrared is in colour, visible is grey; exchange the two"
                ) from None
            raise


@contextmanager
def _refusing(path: Path, what: str) -> Iterator[None]:
    """Turn an image that is refused into a pair that is, with a sentence free of paths."""
    codes = {PixelLimitError: "too_many_pixels", ColourInfraredError: "colour_infrared"}
    try:
        yield
    except ImageError as error:
        reason = str(error).removeprefix(f"{path}: ")
        code = codes.get(type(error), "unreadable")
        raise PairError(code, f"{what}: {reason}") from error


def _measure(vis: UInt8Image, ir: UInt8Image, params: IngestParams) -> dict[str, Measure]:
    checks.check_size(vis, min_size=params.min_size)
    vis_y = _luminance(vis)
    for plane, modality in ((vis_y, "visible"), (ir, "infrared")):
        checks.check_exposure(plane, modality, saturated_above=params.saturated_above)
        checks.check_contrast(plane, modality, constant_below=params.constant_below)
    checks.check_two_images(vis_y, ir)
    registration = register(vis_y, ir, max_shift=params.max_shift)
    checks.check_registration(registration, max_shift=params.max_shift)
    down, right = registration.shift
    return {
        "height": vis.shape[0],
        "width": vis.shape[1],
        "grey_visible": is_grey(vis),
        "vis_mean": _rounded(vis_y.mean() / _LEVELS),
        "vis_std": _rounded(vis_y.std() / _LEVELS),
        "ir_mean": _rounded(ir.mean() / _LEVELS),
        "ir_std": _rounded(ir.std() / _LEVELS),
        "vis_sharpness": _rounded(sharpness(vis_y)),
        "ir_sharpness": _rounded(sharpness(ir)),
        "registration_score": _rounded(registration.near_score),
        "shift_down": down,
        "shift_right": right,
    }


def _rounded(value: float) -> float:
    return round(float(value), 6)


def _luminance(vis: UInt8Image) -> UInt8Image:
    return np.asarray(Image.fromarray(vis).convert("L"))


def _identify(vis: UInt8Image, ir: UInt8Image) -> str:
    digest = hashlib.sha256(f"{vis.shape} {ir.shape}".encode())
    digest.update(vis.tobytes())
    digest.update(ir.tobytes())
    return digest.hexdigest()[:_ID_LENGTH]
