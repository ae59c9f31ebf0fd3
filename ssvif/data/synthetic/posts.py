"""Traffic signs and street lamps."""

from dataclasses import dataclass

from ssvif.data.synthetic.board import STILL, Board, cast_shadow
from ssvif.data.synthetic.camera import Point
from ssvif.data.synthetic.canvas import Canvas, Colour, Lamp, Material
from ssvif.data.synthetic.climate import Climate

_WHITE, _BLACK = (0.75, 0.75, 0.72), (0.03, 0.03, 0.03)


@dataclass(frozen=True)
class Sign:
    """A traffic sign on a post, with a symbol or lines like text."""

    x: float
    z: float
    height: float
    board: str  # "round", "triangle" or "panel"
    colour: Colour
    lines: tuple[float, ...]  # lengths of the strokes, in [0, 1]
    speed: Point = STILL

    def draw(self, canvas: Canvas, climate: Climate, instance: int) -> None:
        """Draw the post and the board."""
        board = Board(canvas, self.x, self.z, label=0, instance=instance)
        cast_shadow(canvas, self.x, self.z, (0.12, self.height), climate.shadow, climate.sun[0])
        post = board.piece(Material((0.5, 0.5, 0.5), climate.air + 0.3, 0.8))
        board.limb(post, (0.0, 0.0), (0.0, self.height), (0.08, 0.08))
        sunlit = climate.facing(0.0, 0.0, -1.0)
        metal = climate.air - 0.3
        face = board.piece(Material(self.colour, metal, 0.85, 0.02), sunlit)
        white = board.piece(Material(_WHITE, metal, 0.85, 0.02), sunlit)
        top = self.height
        if self.board == "round":
            board.disc(face, (0.0, top), 0.33, 0.33)
            board.disc(white, (0.0, top), 0.24, 0.24)
        elif self.board == "triangle":
            board.polygon(face, [(-0.42, top + 0.3), (0.42, top + 0.3), (0.0, top - 0.42)])
            board.polygon(white, [(-0.26, top + 0.21), (0.26, top + 0.21), (0.0, top - 0.24)])
        else:
            board.polygon(white, [(-0.6, top), (-0.6, top + 0.8), (0.6, top + 0.8), (0.6, top)])
            corners = [(-0.56, top + 0.04), (-0.56, top + 0.76), (0.56, top + 0.76)]
            board.polygon(face, [*corners, (0.56, top + 0.04)])
        ink = white if self.board == "panel" else board.piece(Material(_BLACK, metal, 0.85))
        self._strokes(board, ink, top)

    def _strokes(self, board: Board, ink: int, top: float) -> None:
        wide = 0.45 if self.board == "panel" else 0.15
        low = top + 0.15 if self.board == "panel" else top - 0.08
        for k, length in enumerate(self.lines):
            row, left = low + 0.17 * (k // 2), (-wide if k % 2 == 0 else 0.05)
            end = left + (wide - 0.05) * max(length, 0.4)
            board.polygon(ink, [(left, row), (left, row + 0.09), (end, row + 0.09), (end, row)])


@dataclass(frozen=True)
class LampPost:
    """A street lamp on an arm over the road."""

    x: float
    z: float
    height: float
    arm: float  # metres, to the right if positive
    speed: Point = STILL

    def draw(self, canvas: Canvas, climate: Climate, instance: int) -> None:
        """Draw the post and, where it is dark, light the street."""
        board = Board(canvas, self.x, self.z, label=0, instance=instance)
        cast_shadow(canvas, self.x, self.z, (0.14, self.height), climate.shadow, climate.sun[0])
        metal = Material((0.24, 0.25, 0.25), climate.air + 0.5, 0.85)
        post = board.piece(metal)
        board.limb(post, (0.0, 0.0), (0.0, self.height), (0.16, 0.1))
        board.limb(post, (0.0, self.height), (self.arm, self.height + 0.25), (0.08, 0.08))
        glow = 9.0 if climate.lamps_on else 0.0
        warm = climate.air + (16.0 if climate.lamps_on else 0.5)
        head = board.piece(Material(climate.lamp, warm, 0.9, glow))
        board.disc(head, (self.arm, self.height + 0.2), 0.34, 0.12)
        if climate.lamps_on:
            place = (self.x + self.arm, self.height, self.z)
            canvas.lamps.append(Lamp(place, 0.15, 3.9, 1.3))
