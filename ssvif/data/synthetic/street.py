"""The street itself: sky, skyline, ground, kerbs, markings."""

from dataclasses import dataclass

from ssvif.data.synthetic.canvas import Canvas, Colour, Material
from ssvif.data.synthetic.climate import Climate
from ssvif.data.synthetic.textures import Texture

KERB_LABEL = 4
FAR = 140.0
KERB_END = 45.0  # metres: farther off a kerb is too thin to be labelled


@dataclass(frozen=True)
class Street:
    """The ground plan.

    Args:
        left: Where the road's left kerb runs, metres from its middle (negative).
        right: Where its right kerb runs.
        pavement: Width of the pavements.
        verge: What lies beyond them, "grass" or "paved".
        asphalt: Reflectance of the road.
        centre_line: "dashed", "solid" or "none".
        yellow: Whether the edge lines are yellow.
        edge_lines: Whether the road has edge lines.
        crossings: Where zebra crossings start, along the street.
        arrows: Where arrows are painted, along the street.
        hatched: Where a hatched zone starts, along the street; None for none.
        skyline: Silhouettes far off: (left, right, height, shade) in metres.
    """

    left: float
    right: float
    pavement: float
    verge: str
    asphalt: float
    centre_line: str
    yellow: bool
    edge_lines: bool
    crossings: tuple[float, ...]
    arrows: tuple[float, ...]
    hatched: float | None
    skyline: tuple[tuple[float, float, float, float], ...]


def draw_sky(canvas: Canvas, climate: Climate) -> None:
    """Fill the picture with sky, from its colour high up to that at the horizon."""
    camera = canvas.camera
    plane = camera.facing(camera.z + 400.0)
    bands = 24
    height = max(camera.horizon + 2.0, 4.0)
    for band in range(bands):
        share = (band + 0.5) / bands
        mix = share**1.6
        colour = _mixed(climate.zenith, climate.skyline, mix)
        # The air's own warmth hides the cold of space near the horizon.
        warmth = climate.sky + (climate.air - 2.0 - climate.sky) * share**2
        grain = 0.1 if climate.light != "night" else 0.05
        material = Material(colour, warmth, 1.0, 1.0, Texture.CLOUD, grain, 1.2, 260.0)
        piece = canvas.piece(material, plane, sunlit=-1.0)
        top = height * band / bands
        bottom = camera.height if band == bands - 1 else height * (band + 1) / bands
        corners = [(0.0, top), (camera.width, top), (camera.width, bottom), (0.0, bottom)]
        canvas.polygon(piece, corners)


def draw_ground(canvas: Canvas, climate: Climate, street: Street) -> None:
    """Draw the verges, pavements, road, markings and kerbs."""
    camera = canvas.camera
    grass = Material((0.07, 0.11, 0.03), climate.leaf, 0.97, 0.0, Texture.FOLIAGE, 0.35, 0.9, 2.5)
    slabs = Material((0.3, 0.29, 0.27), climate.road - 0.8, 0.94, 0.0, Texture.BRICK, 0.1, 0.4, 8.0)
    tone = street.asphalt
    asphalt = Material(
        (tone, tone, 1.04 * tone), climate.road, 0.95, 0.0, Texture.ASPHALT, 0.16, 0.5, 4.0
    )
    sunlit = climate.facing(0.0, 1.0, 0.0)

    def ground(material: Material) -> int:
        return canvas.piece(material, camera.ground(), sunlit=sunlit)

    verge = ground(grass if street.verge == "grass" else slabs)
    row = camera.horizon + 0.3
    edge = [(0.0, row), (camera.width, row), (camera.width, camera.height), (0.0, camera.height)]
    canvas.polygon(verge, edge)
    pavement = ground(slabs)
    strip(canvas, pavement, street.left - street.pavement, street.right + street.pavement)
    strip(canvas, ground(asphalt), street.left, street.right)
    _markings(canvas, climate, street, sunlit)
    for side, out in ((street.left, -1.0), (street.right, 1.0)):
        _kerb(canvas, climate, side, out)


def strip(
    canvas: Canvas,
    piece: int,
    left: float,
    right: float,
    start: float | None = None,
    end: float | None = None,
) -> None:
    """Fill a strip of ground between two distances across and two along the street."""
    near = canvas.camera.z + 0.8
    start = near if start is None else max(start, near)
    end = canvas.camera.z + FAR if end is None else end
    if end > start:
        corners = [(left, 0.0, start), (left, 0.0, end), (right, 0.0, end), (right, 0.0, start)]
        canvas.quad(piece, corners)


def _markings(canvas: Canvas, climate: Climate, street: Street, sunlit: float) -> None:
    camera = canvas.camera

    def paint(colour: Colour) -> int:
        # Paint is as warm as the asphalt under it: the infrared hardly sees it.
        material = Material(colour, climate.road - 0.3, 0.95, 0.0, Texture.ASPHALT, 0.1, 0.5)
        return canvas.piece(material, camera.ground(), sunlit=sunlit)

    white, yellow = paint((0.68, 0.68, 0.66)), paint((0.6, 0.42, 0.08))
    if street.edge_lines:
        for x in (street.left + 0.35, street.right - 0.5):
            strip(canvas, yellow if street.yellow else white, x, x + 0.15)
    middle = 0.5 * (street.left + street.right)
    if street.centre_line == "solid":
        strip(canvas, yellow if street.yellow else white, middle - 0.08, middle + 0.08)
    elif street.centre_line == "dashed":
        first = 8.0 * (camera.z // 8.0)
        for k in range(12):
            z = first + 8.0 * k
            strip(canvas, white, middle - 0.08, middle + 0.08, z, z + 4.0)
    for z in street.crossings:
        bars = int((street.right - street.left - 0.6) / 0.9)
        for k in range(bars):
            x = street.left + 0.4 + 0.9 * k
            strip(canvas, white, x, x + 0.45, z, z + 3.2)
        strip(canvas, white, middle, street.right, z - 2.0, z - 1.6)
    for z in street.arrows:
        _arrow(canvas, white, 0.5 * (middle + street.right), z)
    if street.hatched is not None:
        _hatching(canvas, white, street, street.hatched)


def _arrow(canvas: Canvas, piece: int, x: float, z: float) -> None:
    if z < canvas.camera.z + 1.0:
        return
    outline = [(-0.1, 0.0), (-0.1, 3.0), (-0.35, 3.0), (0.0, 5.0), (0.35, 3.0), (0.1, 3.0)]
    canvas.quad(piece, [(x + u, 0.0, z + v) for u, v in [*outline, (0.1, 0.0)]])


def _hatching(canvas: Canvas, piece: int, street: Street, z: float) -> None:
    middle = 0.5 * (street.left + street.right)
    for k in range(7):
        start = max(z + 1.3 * k, canvas.camera.z + 1.0)
        left, right = street.left + 0.8, middle - 0.4
        corners = [(left, start), (left, start + 0.35), (right, start + 1.35), (right, start + 1.0)]
        canvas.quad(piece, [(u, 0.0, v) for u, v in corners])


def _kerb(canvas: Canvas, climate: Climate, x: float, out: float) -> None:
    """A kerb stone's face towards the road, and its top; labelled where it is near."""
    camera = canvas.camera
    for start, end, label in (
        (camera.z + KERB_END, camera.z + FAR, 0),
        (camera.z + 0.8, camera.z + KERB_END, KERB_LABEL),
    ):
        stone = Material(
            (0.46, 0.45, 0.43), climate.road - 1.2, 0.93, 0.0, Texture.CONCRETE, 0.1, 0.4, 3.0
        )
        face = canvas.piece(
            stone, camera.wall(x), sunlit=climate.facing(-out, 0.0, 0.0), label=label
        )
        top = canvas.piece(
            stone, camera.ground(), sunlit=climate.facing(0.0, 1.0, 0.0), label=label
        )
        edge = x + 0.2 * out
        lip = 0.13
        sides = [(x, lip, start), (x, lip, end), (edge, lip, end), (edge, lip, start)]
        canvas.quad(top, sides)
        canvas.quad(face, [(x, 0.0, start), (x, lip, start), (x, lip, end), (x, 0.0, end)])


def _mixed(first: Colour, second: Colour, share: float) -> Colour:
    mixed = [a + share * (b - a) for a, b in zip(first, second, strict=True)]
    return mixed[0], mixed[1], mixed[2]
