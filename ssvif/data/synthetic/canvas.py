"""One drawing for both cameras: every pixel holds the number of the piece seen there.

Colour and temperature are looked up from the pieces afterwards, so that the visible image, the
infrared image and the labels cannot but be registered. Pieces are drawn from far to near at
twice the resolution; averaging colours and temperatures smooths the edges.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ssvif.data.synthetic.camera import Camera, Plane, Point
from ssvif.data.synthetic.textures import Texture

SUPERSAMPLING = 2
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Material:
    """What a surface is, for both cameras.

    Args:
        colour: Linear RGB reflectance in [0, 1].
        temperature: Degrees Celsius.
        emissivity: Of thermal radiation, in [0, 1]; the rest mirrors the cold sky.
        glow: Light of its own, in units of a white surface in full daylight.
        texture: Layer of the atlas.
        grain: Strength of the texture in the visible, relative to the colour.
        grain_ir: Strength of the texture in the infrared, in degrees.
        period: Metres after which the texture repeats.
    """

    colour: Colour
    temperature: float
    emissivity: float = 0.95
    glow: float = 0.0
    texture: Texture = Texture.PLAIN
    grain: float = 0.06
    grain_ir: float = 0.3
    period: float = 4.0


def dimmed(material: Material, factor: float) -> Material:
    """Return a material whose colour is scaled, for a surface that sees less of the sky."""
    red, green, blue = material.colour
    return replace(material, colour=(red * factor, green * factor, blue * factor))


@dataclass(frozen=True)
class Lamp:
    """A source of light in the world.

    Args:
        position: (X, Y, Z) in metres.
        power: Light on a surface right at it, in units of full daylight.
        reach: Metres at which half of it is left.
        halo: How strongly it dazzles the visible camera; 0 if it is turned away from it.
    """

    position: tuple[float, float, float]
    power: float
    reach: float
    halo: float


class Canvas:
    """Pieces, shadows and lamps, collected while a scene is drawn."""

    def __init__(self, camera: Camera, *, sky: float) -> None:
        self.camera = camera
        self.lamps: list[Lamp] = []
        self.rows: list[tuple[float, ...]] = []
        self._sky = sky
        size = (camera.width * SUPERSAMPLING, camera.height * SUPERSAMPLING)
        self._image = Image.new("I", size)
        self._draw = ImageDraw.Draw(self._image)
        self._shade = Image.new("L", (camera.width, camera.height))
        self._shade_draw = ImageDraw.Draw(self._shade)

    def piece(
        self,
        material: Material,
        plane: Plane,
        *,
        sunlit: float = 0.3,
        label: int = 0,
        instance: int = 0,
    ) -> int:
        """Register a surface and return the number to draw it with.

        Args:
            material: What it is made of.
            plane: Its inverse depth, from the camera.
            sunlit: How squarely it faces the sun, in [0, 1].
            label: MSRS class.
            instance: Number of the thing it belongs to; 0 for none.
        """
        mirrored = (1.0 - material.emissivity) * self._sky
        apparent = material.emissivity * material.temperature + mirrored
        self.rows.append(
            (
                *material.colour,
                material.glow,
                apparent,
                *plane,
                sunlit,
                material.texture,
                material.grain,
                material.grain_ir,
                1.0 / material.period,
                label,
                instance,
            )
        )
        return len(self.rows) - 1

    def polygon(self, piece: int, points: Sequence[Point]) -> None:
        """Fill a polygon given in pixels."""
        scaled = [(SUPERSAMPLING * x, SUPERSAMPLING * y) for x, y in points]
        self._draw.polygon(scaled, fill=piece)

    def disc(self, piece: int, centre: Point, radius_x: float, radius_y: float) -> None:
        """Fill an ellipse given in pixels."""
        x, y = SUPERSAMPLING * centre[0], SUPERSAMPLING * centre[1]
        radius_x, radius_y = SUPERSAMPLING * radius_x, SUPERSAMPLING * radius_y
        box = (x - radius_x, y - radius_y, x + radius_x, y + radius_y)
        self._draw.ellipse(box, fill=piece)

    def limb(self, piece: int, start: Point, end: Point, widths: tuple[float, float]) -> None:
        """Fill a tapered bar with a round end, given in pixels."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        length = hypot(dx, dy) or 1.0
        nx, ny = -0.5 * dy / length, 0.5 * dx / length
        # A bar thinner than one drawn pixel would vanish.
        first, last = (max(width, 1.0 / SUPERSAMPLING) for width in widths)
        corners = [
            (start[0] + first * nx, start[1] + first * ny),
            (end[0] + last * nx, end[1] + last * ny),
            (end[0] - last * nx, end[1] - last * ny),
            (start[0] - first * nx, start[1] - first * ny),
        ]
        self.polygon(piece, corners)
        if last > 1.5:
            self.disc(piece, end, last / 2, last / 2)

    def quad(self, piece: int, corners: Sequence[tuple[float, float, float]]) -> None:
        """Fill a polygon given by points of the world."""
        self.polygon(piece, [self.camera.point(*corner) for corner in corners])

    def shadow(self, points: Sequence[Point], strength: float) -> None:
        """Darken the ground inside a polygon given in pixels, by `strength` in [0, 1]."""
        self._shade_draw.polygon(list(points), fill=int(255 * strength))

    def numbers(self) -> NDArray[np.int32]:
        """Return the drawing: piece numbers, (2 H, 2 W)."""
        return np.asarray(self._image)

    def shade(self) -> NDArray[np.float32]:
        """Return the shadows on the ground: (H, W) in [0, 1]."""
        return np.asarray(self._shade, dtype=np.float32) / 255.0
