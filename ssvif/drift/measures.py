"""What is measured of a pair, and how people call its being less or more."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

PROTOTYPES = "prototypes"

_KEYS = ["id", "set", "name", "light", "block"]


@dataclass(frozen=True)
class Measure:
    """A property of a pair.

    Args:
        name: Its column.
        title: For people.
        unit: What 1 means; empty for a plain number.
        less: What captures with less of it are, beside others.
        more: What captures with more of it are.
        aspect: In what they are more or less varied.
    """

    name: str
    title: str
    unit: str
    less: str
    more: str
    aspect: str


SCALARS = (
    Measure("luminance", "visible luminance", "share of white", "darker", "brighter", "brightness"),
    Measure(
        "thermal_contrast", "thermal contrast", "share of white",
        "of weaker thermal contrast", "of stronger thermal contrast", "thermal contrast",
    ),
    Measure(
        "vis_sharpness", "visible sharpness", "", "blurrier", "sharper", "sharpness",
    ),
    Measure(
        "ir_sharpness", "infrared sharpness", "",
        "blurrier in infrared", "sharper in infrared", "infrared sharpness",
    ),
    Measure(
        "registration", "registration score", "",
        "less well registered", "better registered", "registration",
    ),
    Measure(
        "shift", "shift of the infrared image", "pixels",
        "shifted less", "shifted further", "shift",
    ),
)  # fmt: skip
CONTENT = Measure(
    PROTOTYPES, "prototypes", "share of pixels", "of other content", "of other content", "content"
)
BY_NAME = {measure.name: measure for measure in (*SCALARS, CONTENT)}

# By measure: the manifest's column; `shift` is made of two.
_COLUMNS = {
    "luminance": "vis_mean",
    "thermal_contrast": "ir_std",
    "vis_sharpness": "vis_sharpness",
    "ir_sharpness": "ir_sharpness",
    "registration": "registration_score",
}


def measured(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return pairs by their measures.

    Args:
        pairs: Rows of a manifest, or of a bundle's pairs. Manifests of earlier releases have no
            sharpness.

    Returns:
        The columns id, set, name, light and block, and one a measure that the pairs have.
    """
    values = {name: pairs[column] for name, column in _COLUMNS.items() if column in pairs.columns}
    shift = np.hypot(pairs["shift_down"], pairs["shift_right"])
    return pairs[_KEYS].assign(**values, shift=shift).reset_index(drop=True)
