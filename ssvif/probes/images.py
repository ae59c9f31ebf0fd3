"""Images as probes see them: RGB, uint8, at one size."""

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from ssvif.ops import with_chroma
from ssvif.params import ProbesParams

# Pair id -> one (3, h, w) uint8 image for each trunk: one, or two where both cameras are seen.
ProbeImages = Mapping[str, tuple[Tensor, ...]]

_WHITE = 255.0


def probe_image(image: Tensor, params: ProbesParams, *, vis: Tensor | None = None) -> Tensor:
    """Bring an image to the probe's size, in bytes: those of a whole set fit in memory so.

    Args:
        image: (1, 3, H, W) RGB or (1, 1, H, W) grey, in [0, 1].
        params: The probe's size; other proportions are stretched, as labels are.
        vis: (1, 3, H, W): gives a grey image its chroma; without it grey stays grey.

    Returns:
        (3, h, w) uint8 on the CPU.
    """
    if image.shape[1] == 1:
        image = image.expand(-1, 3, -1, -1) if vis is None else with_chroma(image, vis)
    small = reduced(image, (params.height, params.width))
    return (small[0].clamp(0.0, 1.0) * _WHITE).round().byte().cpu()


def reduced(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring an image to a size: by means of blocks where they fit, as cameras bin pixels.

    Published images come reduced so. Any other filter is softer, and what is seen through it would
    be compared with what is not.

    Args:
        image: (B, C, H, W).
        size: Height and width.

    Returns:
        (B, C, height, width); where blocks of whole pixels do not fit, bilinear and antialiased.
    """
    height, width = size
    if image.shape[-2] % height == 0 and image.shape[-1] % width == 0:
        return F.interpolate(image, size=size, mode="area")
    return F.interpolate(image, size=size, mode="bilinear", antialias=True)
