"""Tiling noise textures: what asphalt, leaves, brick and concrete look like close up.

All are made once, from a fixed seed, and looked up by place in the world, so that a surface
keeps its texture while the camera moves.
"""

from enum import IntEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ssvif.seeding import numpy_generator

TILE = 256


class Texture(IntEnum):
    """Layers of the atlas."""

    PLAIN = 0
    ASPHALT = 1
    FOLIAGE = 2
    BRICK = 3
    CONCRETE = 4
    CLOUD = 5


@lru_cache(maxsize=1)
def atlas() -> NDArray[np.float32]:
    """Return all textures, one row each: (layers, TILE * TILE), mean 0, deviation about 1."""
    layers = {
        Texture.PLAIN: _spectral("plain", 1.6),
        Texture.ASPHALT: _asphalt(),
        Texture.FOLIAGE: _foliage(),
        Texture.BRICK: _brick(),
        Texture.CONCRETE: _concrete(),
        Texture.CLOUD: _spectral("cloud", 1.7),
    }
    return np.stack([_standard(layers[texture]).ravel() for texture in Texture])


@lru_cache(maxsize=4)
def sensor_noise(height: int, width: int) -> NDArray[np.float32]:
    """Return standard normal noise to cut windows from: (height, width)."""
    generator = numpy_generator(0, "synthetic", "sensor", height, width)
    return generator.standard_normal((height, width), dtype=np.float32)


def _standard(texture: NDArray[np.float64]) -> NDArray[np.float32]:
    centred = texture - texture.mean()
    return np.asarray(np.clip(centred / centred.std(), -3.0, 3.0), dtype=np.float32)


def _spectral(name: str, slope: float, lowest: float = 1.0) -> NDArray[np.float64]:
    """Noise that tiles, with amplitudes falling as 1 / frequency**slope."""
    generator = numpy_generator(0, "synthetic", "texture", name)
    noise = np.fft.rfft2(generator.standard_normal((TILE, TILE)))
    frequency = np.hypot(
        np.fft.fftfreq(TILE, 1 / TILE)[:, None], np.fft.rfftfreq(TILE, 1 / TILE)[None]
    )
    weight = np.where(frequency < lowest, 0.0, 1.0) / np.maximum(frequency, 1.0) ** slope
    shaped = np.fft.irfft2(noise * weight, s=(TILE, TILE))
    return np.asarray(shaped / shaped.std())


def _asphalt() -> NDArray[np.float64]:
    crack = np.exp(-((_spectral("cracks", 1.8, 2.0) / 0.02) ** 2))
    return _spectral("grit", 0.1) + 0.7 * _spectral("patches", 1.5) - 2.5 * crack


def _foliage() -> NDArray[np.float64]:
    clumps = _spectral("clumps", 1.1, 6.0) + 0.7 * _spectral("leaves", 0.4, 20.0)
    return np.asarray(np.tanh(clumps) - 0.3 * (clumps < -0.9))


def _brick() -> NDArray[np.float64]:
    generator = numpy_generator(0, "synthetic", "texture", "brick")
    row, column = np.indices((TILE, TILE))
    course = row // 16
    shifted = (column + 16 * (course % 2)) % TILE
    tone = generator.standard_normal((TILE // 16, TILE // 32))[course, shifted // 32]
    mortar = (row % 16 < 2) | (shifted % 32 < 2)
    return np.where(mortar, 2.2, 0.8 * tone) + 0.3 * _spectral("clay", 0.5)


def _concrete() -> NDArray[np.float64]:
    row, column = np.indices((TILE, TILE))
    seam = (row % 128 < 2) | (column % 64 < 2)
    return _spectral("stains", 1.4) + 0.3 * _spectral("pores", 0.2) - 2.0 * seam
