"""What stands about on a street and has a label: cones, guardrails, stops, bumps."""

from dataclasses import dataclass

from ssvif.data.synthetic.board import STILL, Board, cast_shadow
from ssvif.data.synthetic.camera import Point
from ssvif.data.synthetic.canvas import Canvas, Colour, Material
from ssvif.data.synthetic.climate import Climate
from ssvif.data.synthetic.solid import SolidBuilder, visible_faces
from ssvif.data.synthetic.textures import Texture

STOP_LABEL, RAIL_LABEL, CONE_LABEL, BUMP_LABEL = 5, 6, 7, 8
_WHITE, _BLACK = (0.75, 0.75, 0.72), (0.03, 0.03, 0.03)


@dataclass(frozen=True)
class Cone:
    """A traffic cone."""

    x: float
    z: float
    colour: Colour
    speed: Point = STILL

    def draw(self, canvas: Canvas, climate: Climate, instance: int) -> None:
        """Draw the cone, two bands and its base."""
        board = Board(canvas, self.x, self.z, label=CONE_LABEL, instance=instance)
        cast_shadow(canvas, self.x, self.z, (0.34, 0.7), climate.shadow, climate.sun[0])
        base = board.piece(Material(_BLACK, climate.air + 1.0))
        body = board.piece(Material(self.colour, climate.air + 0.4))
        band = board.piece(Material((0.85, 0.85, 0.85), climate.air + 0.2))
        board.polygon(base, [(-0.2, 0.0), (-0.2, 0.06), (0.2, 0.06), (0.2, 0.0)])
        board.polygon(body, [(-0.15, 0.06), (-0.03, 0.7), (0.03, 0.7), (0.15, 0.06)])
        for low, high in ((0.24, 0.36), (0.46, 0.56)):
            left, right = 0.15 - 0.1875 * (low - 0.06), 0.15 - 0.1875 * (high - 0.06)
            board.polygon(band, [(-left, low), (-right, high), (right, high), (left, low)])


@dataclass(frozen=True)
class Rail:
    """A stretch of guardrail along the street, from z on; striped or of steel."""

    x: float
    z: float
    length: float
    striped: bool
    speed: Point = STILL

    def draw(self, canvas: Canvas, climate: Climate, instance: int) -> None:
        """Draw the posts and the beam, or the striped panels."""
        camera = canvas.camera
        start = max(self.z, camera.z + 1.2)
        if start >= self.z + self.length:
            return
        plane = camera.wall(self.x)

        def piece(colour: Colour, warmth: float, emissivity: float) -> int:
            material = Material(colour, climate.air + warmth, emissivity)
            return canvas.piece(material, plane, label=RAIL_LABEL, instance=instance)

        steel, post = piece((0.5, 0.51, 0.5), 0.5, 0.75), piece((0.3, 0.3, 0.3), 1.0, 0.85)
        yellow, black = piece((0.7, 0.5, 0.05), 0.5, 0.92), piece(_BLACK, 1.2, 0.95)

        def band(number: int, z0: float, z1: float, low: float, high: float) -> None:
            x = self.x
            canvas.quad(number, [(x, low, z0), (x, high, z0), (x, high, z1), (x, low, z1)])

        for step in range(int(self.length / 2.0) + 1):
            z = self.z + 2.0 * step
            if z >= start:
                band(post, z, z + 0.14, 0.0, 0.85)
        end = self.z + self.length
        if not self.striped:
            for low, high in ((0.5, 0.62), (0.66, 0.78)):
                band(steel, start, end, low, high)
            return
        for step in range(int(self.length / 0.5)):
            z = self.z + 0.5 * step
            if z >= start:
                band(yellow if step % 2 else black, z, z + 0.5, 0.35, 0.95)


@dataclass(frozen=True)
class Stop:
    """A block of concrete that keeps cars out or marks the end of a parking place."""

    x: float
    z: float
    size: tuple[float, float, float]  # along, up, across in metres
    speed: Point = STILL

    def draw(self, canvas: Canvas, climate: Climate, instance: int) -> None:
        """Draw the sides of the block that are seen."""
        length, height, width = self.size
        builder = SolidBuilder()
        a, b = length / 2, width / 2
        builder.add("front", [(-a, 0, -b), (-a, height, -b), (-a, height, b), (-a, 0, b)])
        builder.add("top", [(-a, height, -b), (a, height, -b), (a, height, b), (-a, height, b)])
        builder.add("left", [(a, 0, -b), (a, height, -b), (-a, height, -b), (-a, 0, -b)])
        builder.add("right", [(-a, 0, b), (-a, height, b), (a, height, b), (a, 0, b)])
        cast_shadow(canvas, self.x, self.z, (width, height), climate.shadow, climate.sun[0])
        material = Material(
            (0.42, 0.41, 0.38), climate.road - 1.0, 0.93, 0.0, Texture.CONCRETE, 0.12, 0.5, 1.5
        )
        plane = canvas.camera.facing(self.z)
        for face, outline in visible_faces(canvas, builder.build(), self.x, self.z, 0.0):
            forward, up, right = face.normal
            sunlit = climate.facing(right, up, forward)
            piece = canvas.piece(
                material, plane, sunlit=sunlit, label=STOP_LABEL, instance=instance
            )
            canvas.polygon(piece, outline)


@dataclass(frozen=True)
class Bump:
    """A speed bump across the road, of yellow and black blocks."""

    x: float
    z: float
    width: float
    speed: Point = STILL

    def draw(self, canvas: Canvas, climate: Climate, instance: int) -> None:
        """Draw the blocks: a low top and a front edge."""
        camera = canvas.camera
        colours = ((0.6, 0.42, 0.05), (0.05, 0.05, 0.05))
        pieces = [
            canvas.piece(
                Material(colour, climate.road + 1.0 + 0.8 * k, 0.95, 0.0, Texture.ASPHALT, 0.1),
                camera.facing(self.z),
                sunlit=climate.facing(0.0, 1.0, 0.0),
                label=BUMP_LABEL,
                instance=instance,
            )
            for k, colour in enumerate(colours)
        ]
        blocks = max(2, int(self.width / 0.5))
        step = self.width / blocks
        for k in range(blocks):
            x0, x1 = self.x - self.width / 2 + k * step, self.x - self.width / 2 + (k + 1) * step
            ridge, z = self.z + 0.2, self.z
            front = [(x0, 0.0, z), (x0, 0.07, ridge), (x1, 0.07, ridge), (x1, 0.0, z)]
            canvas.quad(pieces[k % 2], front)
            back = [
                (x0, 0.07, ridge),
                (x0, 0.07, z + 0.35),
                (x1, 0.07, z + 0.35),
                (x1, 0.07, ridge),
            ]
            canvas.quad(pieces[k % 2], back)
