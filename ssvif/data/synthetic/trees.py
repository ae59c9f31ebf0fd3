"""Trees with ragged crowns."""

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from ssvif.data.synthetic.board import STILL, Board, cast_shadow
from ssvif.data.synthetic.camera import Point
from ssvif.data.synthetic.canvas import Canvas, Colour, Material
from ssvif.data.synthetic.climate import Climate
from ssvif.data.synthetic.textures import Texture


@dataclass(frozen=True)
class Tree:
    """A tree: a trunk, boughs and a ragged crown; bare where it has no leaves."""

    x: float
    z: float
    height: float
    spread: float
    colour: Colour
    ragged: tuple[float, ...]  # radii of the crown's outline, about 1
    clumps: tuple[tuple[float, float, float, float], ...]  # (u, v, radius, tone) about the crown
    speed: Point = STILL

    def draw(self, canvas: Canvas, climate: Climate, instance: int) -> None:
        """Draw the trunk, the crown and lighter and darker clumps on it."""
        board = Board(canvas, self.x, self.z, label=0, instance=instance)
        crown = self.height * 0.66
        _crown_shadow(canvas, climate, self, crown)
        bark = Material((0.09, 0.07, 0.05), climate.air + 2.6, 0.95, 0.0, Texture.PLAIN, 0.3, 1.0)
        trunk = board.piece(bark)
        thick = 0.045 * self.height
        board.limb(trunk, (0.0, 0.0), (0.0, crown), (thick, 0.6 * thick))
        for side in (-1.0, 1.0):
            tip = (side * 0.5 * self.spread, crown + 0.12 * self.height)
            board.limb(trunk, (0.0, 0.6 * crown), tip, (0.5 * thick, 0.2 * thick))
        tall = 0.36 * self.height
        outline = [
            (
                self.spread * radius * cos(2 * pi * k / len(self.ragged)),
                crown + tall * radius * sin(2 * pi * k / len(self.ragged)),
            )
            for k, radius in enumerate(self.ragged)
        ]
        board.polygon(_leaves(board, climate, self.colour, 0.75, 0.25), outline)
        tones = {
            tone: _leaves(board, climate, self.colour, tone, 0.1 + 0.4 * (tone - 0.5))
            for tone in sorted({clump[3] for clump in self.clumps})
        }
        for u, v, radius, tone in self.clumps:
            centre = (u * self.spread, crown + v * tall)
            board.disc(tones[tone], centre, radius * self.spread, 0.8 * radius * tall)


def draw_tree(generator: np.random.Generator, x: float, z: float) -> Tree:
    """Draw a tree's size, colour and outline."""
    height = generator.uniform(5.0, 10.0)
    greens = ((0.05, 0.1, 0.03), (0.08, 0.13, 0.03), (0.13, 0.12, 0.03), (0.04, 0.08, 0.04))
    angles = generator.uniform(0.0, 2.0 * pi, 16)
    reach = np.sqrt(generator.uniform(0.05, 0.75, 16))
    radii = generator.uniform(0.14, 0.3, 16)
    clumps = [
        (float(r * cos(a)), float(r * sin(a)), float(size), 1.2 if sin(a) * r > 0.1 else 0.5)
        for a, r, size in zip(angles, reach, radii, strict=True)
    ]
    return Tree(
        x=x,
        z=z,
        height=height,
        spread=height * generator.uniform(0.26, 0.42),
        colour=greens[generator.integers(len(greens))],
        ragged=tuple(generator.uniform(0.84, 1.12, 40).tolist()),
        clumps=tuple(clumps),
    )


def _leaves(board: Board, climate: Climate, colour: Colour, tone: float, sunlit: float) -> int:
    shade = (colour[0] * tone, colour[1] * tone, colour[2] * tone)
    warmth = climate.leaf + 0.8 * (tone - 0.75)
    leaves = Material(shade, warmth, 0.97, 0.0, Texture.FOLIAGE, 0.42, 1.6, 5.0)
    return board.piece(leaves, sunlit)


def _crown_shadow(canvas: Canvas, climate: Climate, tree: Tree, crown: float) -> None:
    point = canvas.camera.point
    if climate.sun[0] > 0.0:
        x = tree.x + climate.shadow[0] * crown
        z = tree.z + climate.shadow[1] * crown
        blob = [
            (
                x + 0.9 * tree.spread * r * cos(2 * pi * k / 40),
                0.0,
                z + 1.1 * tree.spread * r * sin(2 * pi * k / 40),
            )
            for k, r in enumerate(tree.ragged)
        ]
        canvas.shadow([point(*corner) for corner in blob], 0.75)
        foot = [(tree.x - 0.15, tree.z), (tree.x + 0.15, tree.z), (x + 0.15, z), (x - 0.15, z)]
        canvas.shadow([point(u, 0.0, v) for u, v in foot], 0.8)
    cast_shadow(canvas, tree.x, tree.z, (1.2, 0.0), (0.0, 0.0), 0.0)
