"""Colours of segmentations: one a prototype, the same everywhere."""

import numpy as np

from ssvif.data.images import UInt8Image

# Okabe and Ito's palette, told apart with any colour vision; then darker, lighter and between.
_HUES = np.array(
    [
        (0, 114, 178),
        (230, 159, 0),
        (0, 158, 115),
        (204, 121, 167),
        (86, 180, 233),
        (213, 94, 0),
        (240, 228, 66),
        (110, 110, 110),
    ],
    dtype=np.float64,
)
_TOWARDS_BLACK, _TOWARDS_WHITE = 0.0, 255.0
_SHADES = (
    (0.5, _TOWARDS_BLACK),
    (0.6, _TOWARDS_WHITE),
    (0.3, _TOWARDS_BLACK),
    (0.35, _TOWARDS_WHITE),
    (0.7, _TOWARDS_BLACK),
    (0.8, _TOWARDS_WHITE),
)


def palette(count: int) -> UInt8Image:
    """Return `count` fixed colours (count, 3); they repeat after 64."""
    shaded = [_HUES + (end - _HUES) * share for share, end in _SHADES]
    between = (_HUES + np.roll(_HUES, 1, axis=0)) / 2.0
    colours: UInt8Image = np.rint(np.concatenate([_HUES, *shaded, between])).astype(np.uint8)
    chosen: UInt8Image = colours[np.arange(count) % len(colours)]
    return chosen
