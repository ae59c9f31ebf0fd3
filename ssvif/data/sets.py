"""What is known of a set as a whole: its layout, and the range of its infrared camera."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from ssvif.data.images import infrared_depth, read_infrared_raw
from ssvif.data.layouts import AUTO, Capture
from ssvif.errors import CapturesError, ImageError
from ssvif.files import write_text

SET_FILE = "set.yaml"
EIGHT_BITS = (0.0, 255.0)  # the range of what needs no scaling

_SAMPLES = 4096  # raw values of an image that count towards the set's percentiles
_HEADER = """\
# Written once by `ssvif captures add`; edit it if you know better, then ingest again.
# layout: how files are named, see docs/captures.md
# infrared_range: raw values shown black and white, for infrared of more than 8 bits
"""


class SetInfo(BaseModel):
    """The content of `set.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    layout: str = AUTO
    infrared_range: tuple[float, float] | None = None


def read_set_info(folder: Path) -> SetInfo | None:
    """Read a set's `set.yaml`, or return None where it has none.

    Raises:
        CapturesError: If a key or a value is not understood.
    """
    path = folder / SET_FILE
    if not path.exists():
        return None
    try:
        info = SetInfo.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (yaml.YAMLError, UnicodeDecodeError, ValidationError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CapturesError(f"{path}: expected layout and infrared_range: {reason}") from None
    low, high = info.infrared_range or EIGHT_BITS
    if not low < high:
        raise CapturesError(f"{path}: infrared_range {low:g} to {high:g}; give black < white")
    return info


def write_set_info(folder: Path, info: SetInfo) -> None:
    """Write a set's `set.yaml`.

    Raises:
        StorageError: If it cannot be written.
    """
    content = yaml.safe_dump(info.model_dump(mode="json"), sort_keys=False)
    write_text(folder / SET_FILE, _HEADER + content)


def infrared_range(
    captures: Iterable[Capture], *, percentiles: tuple[float, float], max_pixels: int
) -> tuple[float, float] | None:
    """Find the range of raw values of a set, over all its infrared images together.

    Args:
        captures: The pairs of a set; files that cannot be read do not count.
        percentiles: Of the raw values: what is shown black, what is shown white.
        max_pixels: The most pixels that are decoded.

    Returns:
        Raw values of black and white, or None if every image has 8 bits.
    """
    paths = [pair.ir for pair in captures if pair.ir is not None and not pair.is_joint]
    samples = [_sample(path, max_pixels) for path in paths if _is_deep(path)]
    values = np.concatenate([np.empty(0, np.float32), *samples])
    if not values.size:
        return None
    low, high = (float(value) for value in np.percentile(values, percentiles))
    return (low, high) if low < high else (low, low + 1.0)


def _is_deep(path: Path) -> bool:
    try:
        return infrared_depth(path) > 8
    except ImageError:
        return False


def _sample(path: Path, max_pixels: int) -> np.ndarray:
    try:
        values = read_infrared_raw(path, max_pixels=max_pixels).ravel()
    except ImageError:
        return np.empty(0, np.float32)
    some = values[:: max(1, values.size // _SAMPLES)].astype(np.float32)
    return some[np.isfinite(some)]
