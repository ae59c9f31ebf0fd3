"""The visible camera: light on surfaces, weather, lens, exposure, noise."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ssvif.data.synthetic.camera import Camera
from ssvif.data.synthetic.canvas import Colour, Lamp
from ssvif.data.synthetic.climate import Climate
from ssvif.data.synthetic.scene import Scene
from ssvif.data.synthetic.surface import Surface
from ssvif.data.synthetic.textures import sensor_noise
from ssvif.data.synthetic.weather import Source, fog_transmission, glare

Plane = NDArray[np.float32]

READ_NOISE = 0.0011  # deviation at gain 1, linear
SHOT_NOISE = 0.00025  # variance for a unit of light at gain 1
MAX_GAIN = 26.0
_HEADLIGHT = (1.0, 0.97, 0.88)
_LUMA = (0.299, 0.587, 0.114)
_LAMPS = 5  # the nearest ones; the light of others does not reach the picture
_CODES = 1 << 16
_WHITE = 4.0  # linear light at which the sensor saturates
_MARGIN = 64  # how far the window into the stored noise wanders


def render_visible(
    scene: Scene,
    camera: Camera,
    surface: Surface,
    lamps: list[Lamp],
    cover: Plane,
    sources: list[Source],
    jitter: np.random.Generator,
) -> NDArray[np.uint8]:
    """Render what the visible camera records.

    Args:
        scene: For light and weather.
        camera: The camera.
        surface: What is seen in each pixel.
        lamps: Sources of light in the world.
        cover: Smoke before each pixel, (H, W) in [0, 1].
        sources: Lamps and sun that dazzle.
        jitter: Randomness of this picture.

    Returns:
        (H, W, 3) RGB.
    """
    climate = scene.climate
    light = _lit(climate, camera, surface, lamps, scene.headlights)
    through = fog_transmission(surface.depth, climate.fog)
    stray = glare(camera, sources) if sources else None
    haze = _haze(climate)
    soot = tuple(0.8 * value + 0.004 for value in climate.ambient)
    shade = surface.colour * (1.0 + np.clip(surface.grain * surface.detail, -0.85, 1.5))
    planes = np.empty_like(surface.colour)
    for channel in range(3):
        plane = shade[channel] * light[channel]
        plane += (haze[channel] - plane) * (1.0 - through)
        plane += (soot[channel] - plane) * cover
        if stray is not None:
            plane += stray * 0.5 * (climate.lamp[channel] + _HEADLIGHT[channel])
        planes[channel] = plane
    return _record(planes, climate, jitter)


def _lit(
    climate: Climate, camera: Camera, surface: Surface, lamps: list[Lamp], headlights: float
) -> list[Plane]:
    """Light on every pixel and its own glow, one plane a channel."""
    outside = (surface.sunlit >= 0.0).astype(np.float32)
    sun = np.maximum(surface.sunlit, 0.0) * (1.0 - surface.shade)
    sky = outside * (1.0 - 0.45 * surface.shade)
    # Walls and things see less of the sky near the ground.
    sky *= 0.78 + 0.22 * np.clip(surface.up * 0.5 + (surface.up < 0.05), 0.0, 1.0)
    lamp = _lamp_light(camera, surface, lamps) if climate.lamps_on else None
    beam = _beam(camera, surface, headlights) if headlights else None
    planes = []
    for channel in range(3):
        plane = surface.glow + sky * climate.ambient[channel]
        if climate.sun[channel]:
            plane += sun * climate.sun[channel]
        if lamp is not None:
            plane += lamp * climate.lamp[channel]
        if beam is not None:
            plane += beam * _HEADLIGHT[channel]
        planes.append(np.asarray(plane, dtype=np.float32))
    return planes


def _lamp_light(camera: Camera, surface: Surface, lamps: list[Lamp]) -> Plane:
    total = np.zeros_like(surface.depth)
    ahead = [lamp for lamp in lamps if lamp.power and lamp.position[2] > camera.z - 4.0]
    ahead.sort(key=lambda lamp: lamp.position[2])
    for lamp in ahead[:_LAMPS]:
        x, y, z = lamp.position
        dx, dy, dz = surface.across - x, surface.up - y, surface.depth - (z - camera.z)
        square = (dx * dx + dy * dy + dz * dz) * (1.0 / lamp.reach**2)
        total += lamp.power / (1.0 + square * (0.4 + 0.15 * square))
    total *= (surface.sunlit >= 0.0) * (1.0 - 0.6 * surface.shade)
    return total


def _beam(camera: Camera, surface: Surface, power: float) -> Plane:
    """Light of the camera's own dipped headlights: a wide cone below the horizon."""
    inverse = np.reciprocal(surface.depth + 2.0)
    angle = (surface.across - camera.x) * inverse
    rise = (surface.up - 0.7) * inverse
    cone = np.exp(angle * angle * -9.0 - np.square(np.maximum(rise + 0.01, 0.0)) * 500.0)
    near = inverse * inverse * (surface.depth * 1.2)
    return np.asarray(power * cone * near * (surface.sunlit >= 0.0) * 0.9, dtype=np.float32)


def _haze(climate: Climate) -> Colour:
    """The colour fog takes on far away."""
    red, green, blue = climate.ambient
    if climate.light == "night":
        lamp = climate.lamp
        return (
            1.4 * red + 0.012 * lamp[0],
            1.4 * green + 0.012 * lamp[1],
            1.4 * blue + 0.012 * lamp[2],
        )
    share = 0.9 if climate.effect == "fog" else 0.75
    return share * red, share * green, share * blue


def _record(planes: Plane, climate: Climate, jitter: np.random.Generator) -> NDArray[np.uint8]:
    """Expose, blur, add noise and encode: (3, H, W) linear -> (H, W, 3)."""
    height, width = planes.shape[1:]
    thin = planes[:, ::4, ::4]
    luma = _LUMA[0] * thin[0] + _LUMA[1] * thin[1] + _LUMA[2] * thin[2]
    encoded = float(np.sqrt(luma).clip(0.0, 1.0).mean())
    aim = climate.exposure * jitter.uniform(0.93, 1.07)
    gain = min((aim / max(encoded, 1e-4)) ** 2, MAX_GAIN)
    planes *= np.float32(gain) * _vignette(height, width)
    bank = sensor_noise(height + _MARGIN, width + _MARGIN)
    codes = np.empty((height, width, 3), dtype=np.uint8)
    for channel in range(3):
        plane = planes[channel]
        top, left = jitter.integers(_MARGIN, size=2)
        variance = plane * np.float32(SHOT_NOISE * gain) + np.float32((READ_NOISE * gain) ** 2)
        plane += bank[top : top + height, left : left + width] * np.sqrt(variance)
        np.clip(plane, 0.0, _WHITE, out=plane)
        plane *= (_CODES - 1) / _WHITE
        codes[..., channel] = _tone_curve().take(plane.astype(np.uint16))
    if climate.light == "day":
        return codes
    # Wide open in the dark, the lens is a little soft.
    soft = Image.fromarray(codes).filter(ImageFilter.BoxBlur(0.4 * height / 240))
    return np.asarray(soft)


@lru_cache(maxsize=1)
def _tone_curve() -> NDArray[np.uint8]:
    """Return the curve of sRGB below a soft shoulder, for linear light in [0, _WHITE]."""
    light = np.linspace(0.0, _WHITE, _CODES)
    rolled = (1.0 - np.exp(-1.35 * light)) / (1.0 - np.exp(-1.35 * _WHITE))
    encoded = np.where(rolled <= 0.0031308, 12.92 * rolled, 1.055 * rolled ** (1.0 / 2.4) - 0.055)
    return np.asarray(np.round(255.0 * encoded).clip(0, 255), dtype=np.uint8)


@lru_cache(maxsize=4)
def _vignette(height: int, width: int) -> Plane:
    y = np.linspace(-1.0, 1.0, height, dtype=np.float32)[:, None]
    x = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None]
    return np.float32(1.0) - np.float32(0.12) * (x * x + y * y)
