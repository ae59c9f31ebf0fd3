"""How sharp an image is: by its edges, beside its contrast.

A lens out of focus, a dirty window or motion take the steepness of edges first. Exposure and gain
change brightness and contrast, so edges are measured in standard deviations of grey values, on a
copy of a common size, so that cameras of several resolutions can be compared.
"""

import numpy as np
from PIL import Image

from ssvif.data.images import UInt8Image

_WORKING_SIDE = 320  # pixels of the longer side
_LEAST_DEVIATION = 0.5  # grey levels: below this there is nothing but rounding
_LEAST_SIDE = 2  # pixels between which there can be an edge


def sharpness(plane: UInt8Image) -> float:
    """Return the mean slope of grey values in standard deviations a pixel.

    Args:
        plane: Grey values, (H, W); reduced to a longer side of 320 pixels if it is larger.

    Returns:
        In [0, inf); 0 for a flat image, higher means sharper. Noise counts as sharpness.
    """
    height, width = plane.shape
    scale = min(1.0, _WORKING_SIDE / max(height, width))
    size = (max(_LEAST_SIDE, round(width * scale)), max(_LEAST_SIDE, round(height * scale)))
    small = np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BOX), np.float32)
    down, right = np.diff(small, axis=0)[:, 1:], np.diff(small, axis=1)[1:]
    slope = float(np.hypot(down, right).mean())
    return slope / max(float(small.std()), _LEAST_DEVIATION)
