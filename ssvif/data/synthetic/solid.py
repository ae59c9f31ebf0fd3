"""Solids of flat faces: cars and boxes, drawn without the faces turned from the camera."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, sin

import numpy as np
from numpy.typing import NDArray

from ssvif.data.synthetic.camera import Point
from ssvif.data.synthetic.canvas import Canvas

Corner = tuple[float, float, float]


@dataclass(frozen=True)
class Face:
    """One flat face.

    Args:
        part: What it is, such as "roof"; says its material.
        corners: Indices into the solid's corners, clockwise as seen from outside.
        normal: Outward unit normal in the solid's own axes (forward, up, right).
        decal: Whether it lies on top of other faces (a window on a door).
    """

    part: str
    corners: tuple[int, ...]
    normal: Corner
    decal: bool


class SolidBuilder:
    """Collects faces given by corners (forward, up, right) in metres."""

    def __init__(self) -> None:
        self._corners: list[Corner] = []
        self._faces: list[Face] = []

    def add(self, part: str, corners: Sequence[Corner], *, decal: bool = False) -> None:
        """Add a face whose corners run clockwise as seen from outside."""
        start = len(self._corners)
        self._corners.extend(corners)
        first, second, third = (np.array(corner) for corner in corners[:3])
        normal = np.cross(third - first, second - first)
        unit = (normal / max(float(np.linalg.norm(normal)), 1e-9)).tolist()
        indices = tuple(range(start, start + len(corners)))
        self._faces.append(Face(part, indices, (unit[0], unit[1], unit[2]), decal))

    def build(self) -> "Solid":
        """Return the finished solid."""
        return Solid(np.array(self._corners), tuple(self._faces))


@dataclass(frozen=True, eq=False)
class Solid:
    """A shape in its own axes: forward, up, right.

    Args:
        corners: (N, 3) in metres; the origin lies on the ground under the middle.
        faces: In the order they were added.
    """

    corners: NDArray[np.float64]
    faces: tuple[Face, ...]

    def placed(self, x: float, z: float, heading: float) -> NDArray[np.float64]:
        """Return the corners in the world; heading 0 points along the street, away from us."""
        forward, up, right = self.corners.T
        across = x + forward * sin(heading) + right * cos(heading)
        along = z + forward * cos(heading) - right * sin(heading)
        return np.stack([across, up, along], axis=1)


def visible_faces(
    canvas: Canvas, solid: Solid, x: float, z: float, heading: float
) -> list[tuple[Face, list[Point]]]:
    """Return the faces turned to the camera with their pixels, from far to near.

    Decals come after all other faces.
    """
    world = solid.placed(x, z, heading)
    pixels = canvas.camera.points(world)
    depth = world[:, 2].tolist()
    seen = []
    for face in solid.faces:
        outline = [pixels[index] for index in face.corners]
        if _clockwise(outline):
            mean = sum(depth[index] for index in face.corners) / len(face.corners)
            seen.append((face.decal, -mean, face, outline))
    seen.sort(key=lambda entry: entry[:2])
    return [(face, outline) for _, _, face, outline in seen]


def _clockwise(outline: Sequence[Point]) -> bool:
    """Whether a polygon turns clockwise on the screen, where rows grow downwards."""
    area = 0.0
    previous_x, previous_y = outline[-1]
    for x, y in outline:
        area += previous_x * y - x * previous_y
        previous_x, previous_y = x, y
    return area > 0.0
