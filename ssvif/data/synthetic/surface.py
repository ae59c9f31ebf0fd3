"""What is seen in each pixel: the canvas's pieces looked up, averaged and placed in the world."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssvif.data.synthetic.canvas import SUPERSAMPLING, Canvas
from ssvif.data.synthetic.textures import TILE, atlas

Plane = NDArray[np.float32]
_FARTHEST = 2000.0


@dataclass(frozen=True)
class Surface:
    """Properties of the seen surfaces, each (H, W) unless said otherwise.

    Args:
        colour: (3, H, W), linear reflectance.
        glow: Light of its own.
        temperature: Apparent, in degrees Celsius.
        depth: Metres from the camera.
        across: World X in metres.
        up: World Y in metres.
        sunlit: How squarely it faces the sun; -1 for the sky.
        shade: Shadow on the ground, in [0, 1].
        detail: Texture, of mean 0 and deviation 1, fading with distance.
        grain: Strength of the texture in the visible.
        grain_ir: Strength of the texture in the infrared.
        labels: MSRS classes, uint8.
        instances: Numbers of the things, int32; 0 for none.
    """

    colour: Plane
    glow: Plane
    temperature: Plane
    depth: Plane
    across: Plane
    up: Plane
    sunlit: Plane
    shade: Plane
    detail: Plane
    grain: Plane
    grain_ir: Plane
    labels: NDArray[np.uint8]
    instances: NDArray[np.int32]


def seen_surface(canvas: Canvas) -> Surface:
    """Look up every pixel of a finished canvas."""
    camera = canvas.camera
    table = np.array(canvas.rows, dtype=np.float32)
    numbers = canvas.numbers()
    mixed = _averaged(numbers, table[:, :5])  # (5, H, W)
    # Labels and depths do not mix: they are those of one sample of each pixel.
    here = numbers[1::SUPERSAMPLING, 1::SUPERSAMPLING]
    rest = table[:, 5:].T.copy()
    constant, slope_x, slope_y, sunlit, texture, grain, grain_ir, rate, label, instance = rest
    offset = np.float32(0.75)  # where in a pixel that sample lies
    column = np.arange(camera.width, dtype=np.float32)[None] + offset
    row = np.arange(camera.height, dtype=np.float32)[:, None] + offset
    inverse = constant[here] + slope_x[here] * column + slope_y[here] * row
    depth = np.reciprocal(np.maximum(inverse, 1.0 / _FARTHEST))
    across = (column - camera.centre) * depth / camera.focal + camera.x
    up = camera.eye - (row - camera.horizon) * depth / camera.focal
    is_wall, is_ground = slope_x != 0.0, slope_y != 0.0
    along = depth + camera.z
    first = np.where(is_wall[here], along, across)
    second = np.where(is_ground[here], along, up)
    detail = _detail(first, second, rate[here], texture[here])
    # Texels smaller than a pixel would only flicker.
    texels = depth * rate[here] * (TILE / 4.5 / camera.focal)
    detail /= 1.0 + texels * texels
    shade = canvas.shade() * is_ground[here]
    return Surface(
        colour=mixed[:3],
        glow=mixed[3],
        temperature=mixed[4],
        depth=depth,
        across=across,
        up=up,
        sunlit=sunlit[here],
        shade=shade,
        detail=detail,
        grain=grain[here],
        grain_ir=grain_ir[here],
        labels=label.astype(np.uint8)[here],
        instances=instance.astype(np.int32)[here],
    )


def _averaged(numbers: NDArray[np.int32], table: Plane) -> Plane:
    """Mean over the samples of each pixel: (2 H, 2 W) and (pieces, C) -> (C, H, W)."""
    steps = range(SUPERSAMPLING)
    samples = (numbers[dy::SUPERSAMPLING, dx::SUPERSAMPLING] for dy in steps for dx in steps)
    total = table.take(next(samples), axis=0)  # (H, W) -> (H, W, C)
    for sample in samples:
        total += table.take(sample, axis=0)
    total *= np.float32(1.0 / SUPERSAMPLING**2)
    return np.ascontiguousarray(np.moveaxis(total, -1, 0))


def _detail(first: Plane, second: Plane, rate: Plane, texture: Plane) -> Plane:
    """Look up the atlas at places given in metres."""
    scale = rate * TILE
    column = (first * scale).astype(np.int32) & (TILE - 1)
    row = (second * scale).astype(np.int32) & (TILE - 1)
    index = texture.astype(np.int32) * (TILE * TILE) + row * TILE + column
    return np.asarray(atlas().ravel().take(index))
