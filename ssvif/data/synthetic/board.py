"""Upright figures: drawn flat, facing the camera, in metres from the point they stand on."""

from collections.abc import Sequence

from ssvif.data.synthetic.camera import Point
from ssvif.data.synthetic.canvas import Canvas, Material

STILL: Point = (0.0, 0.0)  # the speed of what does not move


class Board:
    """A plane across the street at (x, z), on which to draw in metres (right, up)."""

    def __init__(self, canvas: Canvas, x: float, z: float, *, label: int, instance: int) -> None:
        self._canvas = canvas
        self._plane = canvas.camera.facing(z)
        self._origin = canvas.camera.point(x, 0.0, z)
        self._label = label
        self._instance = instance
        self.scale = canvas.camera.scale(z)

    def piece(self, material: Material, sunlit: float = 0.3) -> int:
        """Register a surface that lies on the board."""
        return self._canvas.piece(
            material, self._plane, sunlit=sunlit, label=self._label, instance=self._instance
        )

    def pixel(self, point: Point) -> Point:
        """Return where a point of the board lies in the picture."""
        x, y = self._origin
        return x + self.scale * point[0], y - self.scale * point[1]

    def polygon(self, piece: int, points: Sequence[Point]) -> None:
        """Fill a polygon."""
        self._canvas.polygon(piece, [self.pixel(point) for point in points])

    def disc(self, piece: int, centre: Point, radius_x: float, radius_y: float) -> None:
        """Fill an ellipse."""
        scale = self.scale
        self._canvas.disc(piece, self.pixel(centre), radius_x * scale, radius_y * scale)

    def limb(self, piece: int, start: Point, end: Point, widths: tuple[float, float]) -> None:
        """Fill a tapered bar with a round end."""
        scaled = (widths[0] * self.scale, widths[1] * self.scale)
        self._canvas.limb(piece, self.pixel(start), self.pixel(end), scaled)


def cast_shadow(
    canvas: Canvas, x: float, z: float, size: tuple[float, float], shift: Point, strength: float
) -> None:
    """Throw the shadow of an upright thing on the ground, and darken the ground under it.

    Args:
        canvas: Where to draw.
        x: Where the thing stands.
        z: Where the thing stands.
        size: Its width and height in metres.
        shift: How far a shadow reaches for a metre of height, (X, Z).
        strength: In [0, 1]; 0 for no sun.
    """
    width, height = size
    point = canvas.camera.point
    foot = [(x - width / 2, z), (x, z - 0.2), (x + width / 2, z), (x, z + 0.2)]
    if strength > 0.0:
        tip_x, tip_z = x + shift[0] * height, z + shift[1] * height
        outline = [foot[0], (tip_x - width / 3, tip_z), (tip_x + width / 3, tip_z), foot[2]]
        canvas.shadow([point(u, 0.0, v) for u, v in outline], strength)
    canvas.shadow([point(u, 0.0, v) for u, v in foot], 0.55)
