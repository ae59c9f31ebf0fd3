"""A pinhole camera over a flat street.

World: X to the right, Y up from the ground, Z along the street, in metres. The camera looks
along Z; tilting it is modelled by where the horizon lies.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEAR = 0.7  # metres: nothing is drawn closer
Point = tuple[float, float]
Plane = tuple[float, float, float]


@dataclass(frozen=True)
class Camera:
    """Where both cameras stand and how they see; they share one optical axis.

    Args:
        width: Pixels.
        height: Pixels.
        focal: Focal length in pixels.
        centre: Column of the vanishing point.
        horizon: Row of the vanishing point.
        eye: Metres above the ground.
        x: Metres to the right of the street's middle.
        z: Metres along the street.
    """

    width: int
    height: int
    focal: float
    centre: float
    horizon: float
    eye: float
    x: float
    z: float

    def point(self, x: float, y: float, z: float) -> Point:
        """Project one point of the world to (column, row) in pixels."""
        scale = self.focal / max(z - self.z, NEAR)
        return self.centre + scale * (x - self.x), self.horizon + scale * (self.eye - y)

    def points(self, world: NDArray[np.float64]) -> list[Point]:
        """Project points (N, 3) of the world to pixels."""
        scale = self.focal / np.maximum(world[:, 2] - self.z, NEAR)
        column = self.centre + scale * (world[:, 0] - self.x)
        row = self.horizon + scale * (self.eye - world[:, 1])
        return list(zip(column.tolist(), row.tolist(), strict=True))

    def scale(self, z: float) -> float:
        """Return pixels for a metre at `z`."""
        return self.focal / max(z - self.z, NEAR)

    # In a picture, the inverse depth of any plane is a + b * column + c * row.

    def ground(self) -> Plane:
        """Return the ground's inverse depth as coefficients of (1, column, row)."""
        slope = 1.0 / (self.focal * self.eye)
        return -self.horizon * slope, 0.0, slope

    def facing(self, z: float) -> Plane:
        """Return the inverse depth of a plane across the street at `z`."""
        return 1.0 / max(z - self.z, NEAR), 0.0, 0.0

    def wall(self, x: float) -> Plane:
        """Return the inverse depth of a wall along the street at `x`."""
        slope = 1.0 / (self.focal * (x - self.x))
        return -self.centre * slope, slope, 0.0
