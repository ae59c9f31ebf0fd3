"""Which class a number in a label means, by set.

Sources: MFNet (Ha et al. 2017) and MSRS (Tang et al. 2022) share nine classes; FMB (Liu et al.
2023) has 14 beside the background; PST900 (Shivakumar et al. 2020); CWFID (Haug and Ostermann
2014). A set that has another name says its classes in its `set.yaml`.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ssvif.errors import LabelError
from ssvif.files import write_changed

CLASSES_FILE = "classes.json"  # in the folder of the labels

_STREET = (
    "background", "car", "person", "bike", "curve", "car stop", "guardrail", "colour cone", "bump",
)  # fmt: skip
MASK_CLASSES: Mapping[str, tuple[str, ...]] = {
    "msrs": _STREET,
    "mfnet": _STREET,
    "synthetic": _STREET,
    "fmb": (
        "background", "road", "sidewalk", "building", "traffic lamp", "traffic sign",
        "vegetation", "sky", "person", "car", "truck", "bus", "motorcycle", "bicycle", "pole",
    ),
    "pst900": ("background", "fire extinguisher", "backpack", "hand drill", "survivor"),
    "cwfid": ("soil", "crop", "weed"),
    "tno": ("background", "target"),
}  # fmt: skip

# In the order of `ssvif.data.labels.BOX_CLASSES`.
ALL_BOX_CLASSES = ("person", "bicycle", "car", "motorcycle", "bus", "truck", "lamp", "dog")
BOX_CLASSES_OF_SETS: Mapping[str, tuple[str, ...]] = {
    "msrs": ALL_BOX_CLASSES[:3],
    "synthetic": ALL_BOX_CLASSES[:3],
    "kaist": ALL_BOX_CLASSES[:1],
    "llvip": ALL_BOX_CLASSES[:1],
}


class ClassNames(BaseModel):
    """The content of `classes.json`: names by set, each at the place of its number.

    Args:
        masks: Of label masks; a set whose classes are not known is not here.
        boxes: Of boxes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    masks: dict[str, tuple[str, ...]] = {}
    boxes: dict[str, tuple[str, ...]] = {}


def mask_classes(set_name: str) -> tuple[str, ...] | None:
    """Return the classes of a known set's masks, or None where its name says nothing."""
    return MASK_CLASSES.get(set_name.casefold())


def box_classes(set_name: str) -> tuple[str, ...]:
    """Return the classes of a set's boxes: those of a known set, or else all that have numbers."""
    return BOX_CLASSES_OF_SETS.get(set_name.casefold(), ALL_BOX_CLASSES)


def write_classes(labels: Path, names: ClassNames) -> Path:
    """Write `classes.json` into the folder of the labels, and return its path.

    Raises:
        StorageError: If it cannot be written.
    """
    path = labels / CLASSES_FILE
    content = json.dumps(names.model_dump(mode="json"), indent=2, sort_keys=True)
    write_changed(path, f"{content}\n".encode())
    return path


def read_classes(labels: Path) -> ClassNames:
    """Read `classes.json`.

    Raises:
        LabelError: If it is missing or not understood.
    """
    path = labels / CLASSES_FILE
    try:
        return ClassNames.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise LabelError(f"{path}: not readable ({reason}); ingest again") from error
