"""Bicycles, ridden or parked."""

from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi, sin

import numpy as np

from ssvif.data.synthetic.board import Board, cast_shadow
from ssvif.data.synthetic.camera import Point
from ssvif.data.synthetic.canvas import Canvas, Colour, Material
from ssvif.data.synthetic.climate import Climate
from ssvif.data.synthetic.people import CLOTHES, PERSON_LABEL, Person, draw_figure, draw_person

BIKE_LABEL = 3


@dataclass(frozen=True)
class Bicycle:
    """A bicycle, ridden or parked.

    Args:
        x: Metres to the right of the street's middle.
        z: Metres along the street.
        length: Share of its length that is seen: 1 from the side, less at an angle.
        turn: 1 if it points right, -1 if left.
        paint: Colour of the frame.
        rider: Who sits on it, if anyone; only the looks count.
        speed: Metres along (X, Z) from one picture to the next.
    """

    x: float
    z: float
    length: float
    turn: float
    paint: Colour
    rider: Person | None
    speed: Point

    def draw(self, canvas: Canvas, climate: Climate, instance: int) -> None:
        """Draw the bicycle and whoever rides it."""
        sun = 0.7 if climate.sun[0] else 0.0
        cast_shadow(canvas, self.x, self.z, (1.2 * self.length, 1.0), climate.shadow, sun)
        board = Board(canvas, self.x, self.z, label=BIKE_LABEL, instance=instance)
        _bicycle(board, climate, self)
        if self.rider is not None:
            board = Board(canvas, self.x, self.z, label=PERSON_LABEL, instance=instance + 1)
            draw_figure(board, climate, self.rider, seat=self.length)


def draw_bicycle(
    generator: np.random.Generator, x: float, z: float, speed: Point, *, ridden: bool
) -> Bicycle:
    """Draw a bicycle, with a rider of its own where `ridden`."""
    return Bicycle(
        x=x,
        z=z,
        length=generator.uniform(0.55, 1.0),
        turn=1.0 if speed[0] >= 0.0 else -1.0,
        paint=CLOTHES[generator.integers(len(CLOTHES))],
        rider=draw_person(generator, x, z, (1.0, 0.0)) if ridden else None,
        speed=speed,
    )


def _bicycle(board: Board, climate: Climate, bicycle: Bicycle) -> None:
    reach, turn = bicycle.length, bicycle.turn
    ridden = bicycle.rider is not None
    tyre = board.piece(Material((0.03, 0.03, 0.03), climate.air + (6.0 if ridden else 1.5)))
    spokes = Material((0.3, 0.3, 0.31), climate.air + 1.0, 0.75)
    frame = board.piece(Material(bicycle.paint, climate.air + 1.0, 0.8))
    metal = board.piece(spokes)
    hub, radius = 0.34, 0.34
    rear, front = (-0.5 * turn * reach, hub), (0.52 * turn * reach, hub)
    crank, saddle = (-0.06 * turn * reach, 0.3), (-0.22 * turn * reach, 0.92)
    head = (0.36 * turn * reach, 0.86)
    for centre in (rear, front):
        _ring(board, tyre, centre, (radius * reach, radius), 0.05)
        for angle in (0.3, 1.35, 2.4):
            u, v = 0.3 * reach * cos(angle), 0.3 * sin(angle)
            ends = (centre[0] - u, centre[1] - v), (centre[0] + u, centre[1] + v)
            board.limb(metal, *ends, (0.012, 0.012))
    seat_tube = (saddle[0] * 0.9 + crank[0] * 0.1, 0.86)
    bars = [(rear, crank), (rear, seat_tube), (crank, saddle), (crank, head), (seat_tube, head)]
    for start, end in [*bars, (head, front)]:
        board.limb(frame, start, end, (0.045, 0.045))
    grip = (head[0] + 0.05 * turn * reach, 1.02)
    board.limb(frame, head, grip, (0.04, 0.04))
    board.limb(tyre, (grip[0] - 0.12 * turn * reach, 1.05), grip, (0.05, 0.05))
    board.limb(
        tyre, (saddle[0] - 0.12 * reach, 0.95), (saddle[0] + 0.12 * reach, 0.95), (0.07, 0.06)
    )


def _ring(
    board: Board, piece: int, centre: Point, radii: tuple[float, float], width: float
) -> None:
    corners = [
        (centre[0] + radii[0] * cos(k * pi / 8), centre[1] + radii[1] * sin(k * pi / 8))
        for k in range(17)
    ]
    for start, end in pairwise(corners):
        board.limb(piece, start, end, (width, width))
