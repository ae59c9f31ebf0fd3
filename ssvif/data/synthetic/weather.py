"""Fog, smoke and glare: what stands between the scene and the cameras."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ssvif.data.synthetic.camera import Camera
from ssvif.data.synthetic.canvas import Lamp
from ssvif.data.synthetic.scene import Smoke
from ssvif.data.synthetic.surface import Surface
from ssvif.data.synthetic.textures import TILE, Texture, atlas

Plane = NDArray[np.float32]
_COARSE = 4  # glare and smoke are smooth: every fourth pixel is enough


@dataclass(frozen=True)
class Source:
    """A dazzling light in the picture.

    Args:
        column: Pixels.
        row: Pixels.
        strength: Stray light right at it, in units of full daylight.
        core: Radius of its bright core, in pixels.
        spread: Radius at which the wide veil has halved, in pixels.
    """

    column: float
    row: float
    strength: float
    core: float
    spread: float


def fog_transmission(depth: Plane, extinction: float) -> Plane:
    """Return the share of light that comes through fog: exp(-extinction * depth)."""
    return np.asarray(np.exp(depth * np.float32(-extinction)))


def smoke_cover(camera: Camera, depth: Plane, plumes: Sequence[Smoke], drift: float) -> Plane:
    """Return how much smoke hides each pixel from the visible camera, in [0, 1].

    Args:
        camera: The camera.
        depth: (H, W) in metres; only what lies behind a plume is hidden.
        plumes: The plumes.
        drift: Moves the billows; differs from picture to picture.
    """
    cover = np.zeros_like(depth)
    cloud = atlas()[Texture.CLOUD].reshape(TILE, TILE)
    rows, columns = _coarse_grid(camera)
    for plume in plumes:
        if plume.z - camera.z < 1.5:
            continue
        scale = camera.scale(plume.z)
        base_x, base_y = camera.point(plume.x, 0.0, plume.z)
        u, v = (columns - base_x) / scale, (base_y - rows) / scale
        rise = np.clip(v / plume.height, 0.0, 1.0)
        width = plume.width * (0.45 + 0.75 * rise)
        body = np.exp(-(((u - 0.8 * rise * plume.width * 0.5) / width) ** 2) * 1.6)
        body *= np.clip(1.35 - rise, 0.0, 1.0) * np.clip(1.0 + 2.5 * v, 0.0, 1.0)
        billow = cloud[
            ((v - drift) * 22.0).astype(np.int32) % TILE, (u * 22.0).astype(np.int32) % TILE
        ]
        thickness = plume.density * np.maximum(body * (1.0 + 0.42 * billow) - 0.12, 0.0)
        opaque = _fine(1.0 - np.exp(-thickness), camera)
        behind = np.clip((depth - (plume.z - camera.z) + 0.6) / 0.8, 0.0, 1.0)
        cover = 1.0 - (1.0 - cover) * (1.0 - opaque * behind)
    return cover


def lamp_sources(
    camera: Camera, surface: Surface, lamps: Sequence[Lamp], *, foggy: bool
) -> list[Source]:
    """Return the lamps that shine into the visible camera and are not hidden from it."""
    sources = []
    for lamp in lamps:
        x, y, z = lamp.position
        away = z - camera.z
        if lamp.halo == 0.0 or away < 2.0:
            continue
        column, row = camera.point(x, y, z)
        if not (0 <= column < camera.width and 0 <= row < camera.height):
            continue
        if surface.depth[int(row), int(column)] < away - 3.0:
            continue
        size = camera.height * (1.0 + 0.05 * lamp.halo) / (5.0 + 0.45 * away)
        spread = (2.6 if foggy else 1.0) * (0.25 + 0.03 * lamp.halo) * size
        strength = 0.5 * lamp.halo / (1.0 + 0.02 * away)
        sources.append(Source(column, row, strength, 0.1 * size, spread))
    return sources


def glare(camera: Camera, sources: Sequence[Source]) -> Plane:
    """Return the stray light of dazzling sources: cores, wide veils, streaks, (H, W)."""
    rows, columns = _coarse_grid(camera)
    veil = np.zeros((rows.shape[0], columns.shape[1]), dtype=np.float32)
    for source in sources:
        dx, dy = columns - source.column, rows - source.row
        square = dx * dx + dy * dy
        spread = square / source.spread**2
        veil += source.strength * np.exp(square * (-0.5 / source.core**2))
        veil += 0.03 * source.strength / (1.0 + spread * np.sqrt(1.0 + spread))
        thin = 0.12 * source.core
        streak = np.exp(-np.abs(dy) / (thin + 0.6)) * np.exp(-np.abs(dx) / (6.0 * source.core))
        veil += 0.1 * source.strength * streak
    return _fine(veil, camera)


def _coarse_grid(camera: Camera) -> tuple[Plane, Plane]:
    """Rows (h, 1) and columns (1, w) of the centres of coarse pixels."""
    rows = np.arange((camera.height + _COARSE - 1) // _COARSE, dtype=np.float32)[:, None]
    columns = np.arange((camera.width + _COARSE - 1) // _COARSE, dtype=np.float32)[None]
    return (rows + 0.5) * _COARSE, (columns + 0.5) * _COARSE


def _fine(coarse: Plane, camera: Camera) -> Plane:
    """Interpolate a coarse picture to full size."""
    image = Image.fromarray(coarse.astype(np.float32))
    box = (0.0, 0.0, camera.width / _COARSE, camera.height / _COARSE)
    fine = image.resize((camera.width, camera.height), Image.Resampling.BILINEAR, box=box)
    return np.asarray(fine)
