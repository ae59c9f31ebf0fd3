"""What is known of a set as a whole: its layout, and the range of its infrared camera."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from ssvif.data.classes import ClassNames, box_classes, mask_classes
from ssvif.data.infrared_range import EIGHT_BITS, common_range
from ssvif.data.layouts import AUTO, Capture
from ssvif.errors import CapturesError
from ssvif.explain import explain, read_yaml, yaml_reason
from ssvif.files import write_text
from ssvif.params import IngestParams

if TYPE_CHECKING:
    import pandas as pd

SET_FILE = "set.yaml"

_HEADER = """\
# Written once by `ssvif captures add`; edit it if you know better, then ingest again.
# layout: how files are named, see docs/captures.md
# infrared_range: raw values shown black and white, for infrared of more than 8 bits
# classes, box_classes: names of the labels' numbers, from 0 on, where the set's name does not tell
"""


class SetInfo(BaseModel):
    """The content of `set.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    layout: str = AUTO
    infrared_range: tuple[float, float] | None = None
    classes: tuple[str, ...] | None = None
    box_classes: tuple[str, ...] | None = None


def read_set_info(folder: Path) -> SetInfo | None:
    """Read a set's `set.yaml`, or return None where it has none.

    Raises:
        CapturesError: If a key or a value is not understood.
    """
    path = folder / SET_FILE
    if not path.exists():
        return None
    try:
        info = SetInfo.model_validate(read_yaml(path) or {})
    except ValidationError as error:
        raise CapturesError(f"{path}: {explain(error, SetInfo)}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CapturesError(f"{path}: not readable as YAML ({yaml_reason(error)})") from None
    except OSError as error:
        raise CapturesError(f"{path}: expected a file ({error.strerror}); mend it") from None
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


def infrared_range(captures: Iterable[Capture], params: IngestParams) -> tuple[float, float] | None:
    """Find the range of raw values of a set, over all its infrared images together.

    Args:
        captures: The pairs of a set; files that cannot be read do not count.
        params: The percentiles, and the most pixels that are decoded.

    Returns:
        Raw values of black and white, or None if every image has 8 bits.
    """
    paths = [pair.ir for pair in captures if pair.ir is not None and not pair.is_joint]
    return common_range(paths, percentiles=params.percentiles, max_pixels=params.max_pixels)


def class_names(manifest: "pd.DataFrame", infos: Mapping[str, SetInfo]) -> ClassNames:
    """Name the classes of labelled sets: as their `set.yaml` says, else as their names tell."""
    masks, boxes = {}, {}
    for name in sorted(manifest["set"][manifest["has_mask"]].unique()):
        if known := infos[name].classes or mask_classes(name):
            masks[name] = known
    for name in sorted(manifest["set"][manifest["has_boxes"]].unique()):
        boxes[name] = infos[name].box_classes or box_classes(name)
    return ClassNames(masks=masks, boxes=boxes)
