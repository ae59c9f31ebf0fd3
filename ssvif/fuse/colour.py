"""How fused images are coloured for people: as the visible one, grey, or with heat laid over."""

import numpy as np
import numpy.typing as npt

from ssvif.data.images import UInt8Image
from ssvif.fuse.choices import GREY, HEAT, Colour

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # BT.601, as ssvif.ops

# Infrared grey levels: nothing is laid over what is darker than the first, and most over the
# second. The same in every image, so that one warmth has one colour.
_FROM, _TO = 128.0, 224.0
_STRENGTH = 0.8

# What thermal cameras call iron: dark violet, red, orange, yellow, nearly white.
_IRON_LEVELS = (0, 64, 128, 176, 224, 255)
_IRON = ((0, 0, 24), (84, 0, 146), (204, 30, 100), (248, 110, 20), (255, 200, 40), (255, 252, 224))


def coloured(fused: UInt8Image, ir: UInt8Image, colour: Colour) -> UInt8Image:
    """Colour a fused image.

    Args:
        fused: The fused image, (H, W, 3) or (H, W).
        ir: Its infrared image, (H, W).
        colour: What with.

    Returns:
        (H, W) for grey; (H, W, 3) with heat; else the image as it is.
    """
    if colour == GREY:
        return as_grey(fused)
    if colour == HEAT:
        return _with_heat(fused, ir)
    return fused


def as_grey(image: UInt8Image) -> UInt8Image:
    """Return the luminance (H, W) of an image (H, W, 3) or (H, W)."""
    return image if image.ndim == 2 else _bytes(image.astype(np.float32) @ _LUMA)


def as_rgb(image: UInt8Image) -> UInt8Image:
    """Return three channels (H, W, 3) of an image (H, W, 3) or (H, W)."""
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def heat_colours() -> UInt8Image:
    """Return the colour (256, 3) of each grey level of infrared."""
    channels = np.array(_IRON, np.float64).T
    levels = np.arange(256)
    table = np.stack([np.interp(levels, _IRON_LEVELS, channel) for channel in channels], axis=-1)
    return _bytes(table.astype(np.float32))


def _with_heat(fused: UInt8Image, ir: UInt8Image) -> UInt8Image:
    share = ((np.arange(256) - _FROM) / (_TO - _FROM)).clip(0.0, 1.0)
    share = (_STRENGTH * share * share * (3.0 - 2.0 * share)).astype(np.float32)[ir][..., None]
    image = as_rgb(fused)
    return _bytes(image + share * (heat_colours()[ir].astype(np.float32) - image))


def _bytes(image: npt.NDArray[np.float32]) -> UInt8Image:
    levels: UInt8Image = np.rint(image).clip(0, 255).astype(np.uint8)
    return levels
