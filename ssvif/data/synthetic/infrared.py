"""The infrared camera: apparent temperatures, air, a soft lens, its own noise."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from ssvif.data.synthetic.climate import Climate
from ssvif.data.synthetic.surface import Surface
from ssvif.data.synthetic.textures import sensor_noise
from ssvif.data.synthetic.weather import fog_transmission

Plane = NDArray[np.float32]

FOG_SHARE = 0.12  # of the visible extinction that fog has in the thermal infrared
SMOKE_SHARE = 0.1  # of smoke's cover that the thermal infrared sees
GAMMA = 1.4
BLUR = 0.75  # pixels at a height of 240
TEMPORAL_NOISE = 0.16  # degrees
PIXEL_PATTERN = 0.1  # degrees, the same in every picture
STRIPE_PATTERN = 0.12  # degrees, the same in every picture
_MARGIN = 64


def render_infrared(
    climate: Climate, surface: Surface, cover: Plane, jitter: np.random.Generator
) -> NDArray[np.uint8]:
    """Render what the infrared camera records.

    Args:
        climate: For the air's temperature and the camera's range.
        surface: What is seen in each pixel.
        cover: Smoke before each pixel, (H, W) in [0, 1].
        jitter: Randomness of this picture.

    Returns:
        (H, W), brighter where warmer.
    """
    height, width = surface.depth.shape
    warmth = surface.temperature + surface.grain_ir * surface.detail
    warmth += (
        np.float32(climate.sun_heat)
        * np.maximum(surface.sunlit, 0.0)
        * (1.0 - 0.55 * surface.shade)
    )
    through = fog_transmission(surface.depth, FOG_SHARE * climate.fog)
    through *= 1.0 - SMOKE_SHARE * cover
    # The sky's own warmth already includes the air before it.
    through[surface.sunlit < 0.0] = 1.0
    warmth = climate.air + (warmth - climate.air) * through
    warmth = gaussian_filter(warmth.astype(np.float32), BLUR * height / 240, truncate=2.5)
    warmth += _noise(height, width, jitter)
    low, high = climate.air - 7.0, climate.air + 20.0
    share = np.clip((warmth - low) / (high - low), 0.0, 1.0)
    return np.asarray(np.round(255.0 * share**GAMMA), dtype=np.uint8)


def _noise(height: int, width: int, jitter: np.random.Generator) -> Plane:
    bank = sensor_noise(height + _MARGIN, width + _MARGIN)
    top, left = jitter.integers(1, _MARGIN, size=2)
    noise: Plane = np.float32(TEMPORAL_NOISE) * bank[top : top + height, left : left + width]
    noise += np.float32(PIXEL_PATTERN) * bank[:height, :width]
    noise += np.float32(STRIPE_PATTERN) * bank[-1, :width]
    return noise
