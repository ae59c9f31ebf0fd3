"""Buildings, garden walls and hedges along the street, and the skyline behind."""

from dataclasses import dataclass

import numpy as np

from ssvif.data.synthetic.canvas import Canvas, Colour, Lamp, Material, dimmed
from ssvif.data.synthetic.climate import Climate
from ssvif.data.synthetic.street import Street
from ssvif.data.synthetic.textures import Texture

STOREY = 3.2
_FRONTS: tuple[tuple[Colour, Texture], ...] = (
    ((0.3, 0.15, 0.1), Texture.BRICK),
    ((0.42, 0.27, 0.17), Texture.BRICK),
    ((0.5, 0.46, 0.38), Texture.CONCRETE),
    ((0.36, 0.37, 0.38), Texture.CONCRETE),
    ((0.55, 0.53, 0.48), Texture.PLAIN),
)


@dataclass(frozen=True)
class Building:
    """A block beside the street: a front along it, and an end towards the camera.

    Args:
        x: Where the front runs, metres from the street's middle.
        z: Where it starts.
        length: Metres along the street.
        depth: Metres away from the street.
        height: Metres.
        kind: "house", "wall" (without windows) or "hedge".
        colour: Reflectance.
        texture: Of the front.
        bay: Metres from one window to the next.
        shop: Whether the ground floor is a shop.
        lit: One number in [0, 1] for each window in turn; those below 0.3 are lit by night.
    """

    x: float
    z: float
    length: float
    depth: float
    height: float
    kind: str
    colour: Colour
    texture: Texture
    bay: float
    shop: bool
    lit: tuple[float, ...]


def draw_front(generator: np.random.Generator, kind: str, x: float, z: float) -> Building:
    """Draw the looks of a building, wall or hedge that starts at (x, z)."""
    colour, texture = _FRONTS[generator.integers(len(_FRONTS))]
    height = STOREY * float(generator.integers(1, 6)) + 0.8
    if kind == "wall":
        height, texture, colour = generator.uniform(2.0, 4.0), Texture.CONCRETE, (0.45,) * 3
    if kind == "hedge":
        height, texture, colour = generator.uniform(0.9, 2.4), Texture.FOLIAGE, (0.06, 0.1, 0.03)
    return Building(
        x=x,
        z=z,
        length=generator.uniform(9.0, 20.0) if kind == "house" else generator.uniform(14.0, 34.0),
        depth=12.0 if kind == "house" else 0.4 if kind == "wall" else 1.2,
        height=height,
        kind=kind,
        colour=colour,
        texture=texture,
        bay=generator.uniform(2.2, 3.6),
        shop=bool(generator.random() < 0.45),
        lit=tuple(generator.random(23).tolist()),
    )


def draw_building(canvas: Canvas, climate: Climate, building: Building) -> None:
    """Draw the front and the end of a building, with windows and a shop."""
    camera = canvas.camera
    start, end = max(building.z, camera.z + 0.9), building.z + building.length
    if end <= start + 0.5:
        return
    out = 1.0 if building.x > 0 else -1.0
    warmth, grain, grain_ir = climate.wall + 4.0 * building.lit[2] - 2.0, 0.14, 0.9
    if building.kind == "hedge":
        warmth, grain, grain_ir = climate.leaf, 0.4, 1.3
    period = 6.0 if building.texture in (Texture.FOLIAGE, Texture.CONCRETE) else 5.0
    stuff = Material(building.colour, warmth, 0.95, 0.0, building.texture, grain, grain_ir, period)
    x, top = building.x, building.height
    _wall_shadow(canvas, climate, building, start, end)
    side = canvas.piece(stuff, camera.wall(x), sunlit=climate.facing(-out, 0.0, 0.0))
    canvas.quad(side, [(x, 0.0, start), (x, top, start), (x, top, end), (x, 0.0, end)])
    gable = building.z > camera.z + 0.9
    if gable:
        across = x + out * building.depth
        plane = camera.facing(building.z)
        piece = canvas.piece(dimmed(stuff, 0.8), plane, sunlit=climate.facing(0.0, 0.0, -1.0))
        corners = [(x, 0.0), (x, top), (across, top), (across, 0.0)]
        canvas.quad(piece, [(u, v, building.z) for u, v in corners])
    if building.kind == "house":
        _windows(canvas, climate, building, end=False)
        if gable:
            _windows(canvas, climate, building, end=True)
        _cornice(canvas, climate, building, start, end)
        if building.shop:
            _shop(canvas, climate, building, start, end)


def draw_skyline(canvas: Canvas, climate: Climate, street: Street) -> None:
    """Draw what closes the street far off: blocks and trees, with a few lit windows."""
    camera = canvas.camera
    z = camera.z + 90.0
    for left, right, height, shade in street.skyline:
        leafy = shade < 0.5
        colour = (0.05, 0.08, 0.04) if leafy else (0.3 * shade + 0.1,) * 3
        texture = Texture.FOLIAGE if leafy else Texture.CONCRETE
        warmth = climate.leaf if leafy else climate.wall - 0.5
        stuff = Material(colour, warmth, 0.96, 0.0, texture, 0.3, 0.8, 30.0)
        piece = canvas.piece(stuff, camera.facing(z), sunlit=climate.facing(0.0, 0.0, -1.0))
        if leafy:
            x0, y0 = camera.point(left, 0.5 * height, z)
            x1, _ = camera.point(right, 0.0, z)
            radius = 0.5 * height * camera.scale(z)
            for k in range(14):
                across = x0 + (k + 0.5) / 14 * (x1 - x0)
                size = radius * (0.95 + 0.16 * ((k * 7 + int(height)) % 5) - 0.012 * (k - 7) ** 2)
                canvas.disc(piece, (across, y0), 0.4 * size, max(size, 0.1))
            continue
        corners = [(left, 0.0), (left, height), (right, height), (right, 0.0)]
        canvas.quad(piece, [(u, v, z) for u, v in corners])
        glass, lit = _panes(canvas, climate, camera.facing(z), sunlit=0.2)
        for row in range(int(height / 4.0)):
            for column in range(int((right - left) / 4.0)):
                number = (row * 31 + column * 17 + int(13 * height)) % 11
                x, y = left + 1.2 + 4.0 * column, 1.6 + 4.0 * row
                pane = [(x, y), (x, y + 1.6), (x + 1.8, y + 1.6), (x + 1.8, y)]
                canvas.quad(lit if number < 2 else glass, [(u, v, z) for u, v in pane])


def _panes(
    canvas: Canvas, climate: Climate, plane: tuple[float, float, float], *, sunlit: float
) -> tuple[int, int]:
    """Register a dark pane and a lit one; glass mirrors the cold sky."""
    dark = Material((0.05, 0.07, 0.09), climate.wall + 0.5, 0.86, grain=0.25, grain_ir=0.4)
    glow = {"day": 0.0, "dusk": 0.4, "night": 0.16}[climate.light]
    bright = Material((1.0, 0.8, 0.5), climate.wall + 2.5, 0.86, glow, grain=0.25, grain_ir=0.4)
    first = canvas.piece(dark, plane, sunlit=sunlit)
    return first, canvas.piece(bright, plane, sunlit=sunlit) if glow else first


def _windows(canvas: Canvas, climate: Climate, building: Building, *, end: bool) -> None:
    camera = canvas.camera
    out = 1.0 if building.x > 0 else -1.0
    plane = camera.facing(building.z) if end else camera.wall(building.x)
    normal = (0.0, 0.0, -1.0) if end else (-out, 0.0, 0.0)
    panes = _panes(canvas, climate, plane, sunlit=climate.facing(*normal))
    frame = canvas.piece(
        Material((0.55, 0.54, 0.52), climate.wall, 0.93), plane, sunlit=climate.facing(*normal)
    )
    wide, bay = 0.5 * building.bay, building.bay
    columns = int((building.depth if end else building.length) / bay)
    first = 1 if building.shop and not end else 0
    farthest = 0.9 if camera.scale(building.z + building.length) > 6.0 else 0.0
    for column in range(columns):
        place = (column + 0.25) * bay
        if end:
            x0, x1 = building.x + out * place, building.x + out * (place + wide)
            z0 = z1 = building.z
        else:
            x0 = x1 = building.x
            z0, z1 = building.z + place, building.z + place + wide
        if z0 < camera.z + 0.9:
            continue
        for floor in range(first, int(building.height / STOREY)):
            low = floor * STOREY + 1.0
            number = building.lit[(column * 7 + floor * 3 + 5 * end) % len(building.lit)]
            piece = panes[number < 0.3]
            if farthest and camera.scale(z0) > 12.0:
                rim = 0.12 if end else 0.0
                sill = [(x0 - out * rim, low - 0.14, z0), (x0 - out * rim, low, z0)]
                sill += [(x1 + out * rim, low, z1), (x1 + out * rim, low - 0.14, z1)]
                canvas.quad(frame, sill)
            corners = [(x0, low, z0), (x0, low + 1.5, z0), (x1, low + 1.5, z1), (x1, low, z1)]
            canvas.quad(piece, corners)


def _cornice(
    canvas: Canvas, climate: Climate, building: Building, start: float, end: float
) -> None:
    out = 1.0 if building.x > 0 else -1.0
    colour = building.colour
    pale = (0.5 * colour[0] + 0.25, 0.5 * colour[1] + 0.25, 0.5 * colour[2] + 0.25)
    ledge = Material(pale, climate.wall + 0.8, 0.93)
    piece = canvas.piece(
        ledge, canvas.camera.wall(building.x), sunlit=climate.facing(-out, 0.0, 0.0)
    )
    x, top = building.x, building.height
    canvas.quad(
        piece, [(x, top - 0.35, start), (x, top, start), (x, top, end), (x, top - 0.35, end)]
    )


def _shop(canvas: Canvas, climate: Climate, building: Building, start: float, end: float) -> None:
    """A shop window, and a sign board with strokes like text above it."""
    camera = canvas.camera
    out = 1.0 if building.x > 0 else -1.0
    plane, x = camera.wall(building.x), building.x
    sunlit = climate.facing(-out, 0.0, 0.0)
    open_late = climate.lamps_on and building.lit[0] < 0.7
    glow = {"day": 0.12, "dusk": 0.4, "night": 0.2}[climate.light] if open_late else 0.0

    def piece(colour: Colour, warmth: float, shine: float) -> int:
        material = Material(colour, climate.wall + warmth, 0.88, shine, grain=0.3)
        return canvas.piece(material, plane, sunlit=sunlit)

    def band(number: int, z0: float, z1: float, low: float, high: float) -> None:
        z0, z1 = max(z0, start), min(z1, end)
        if z1 > z0:
            canvas.quad(number, [(x, low, z0), (x, high, z0), (x, high, z1), (x, low, z1)])

    window = piece((0.9, 0.8, 0.6) if open_late else (0.08, 0.1, 0.11), 2.0, glow)
    hue = int(building.lit[1] * 4)
    board_colour = ((0.5, 0.06, 0.05), (0.05, 0.12, 0.4), (0.06, 0.25, 0.12), (0.7, 0.65, 0.55))[
        hue
    ]
    board = piece(board_colour, 0.3, 0.6 * glow)
    ink = piece((0.8, 0.78, 0.7) if hue < 3 else (0.04, 0.04, 0.05), 0.3, 0.9 * glow)
    dark = piece((0.05, 0.05, 0.05), 0.6, 0.0)
    for step in range(int(building.length / 3.0)):
        z = building.z + 3.0 * step
        band(window, z + 0.25, z + 2.75, 0.4, 2.4)
        if step % 3 == 1:
            band(dark, z + 1.0, z + 1.9, 0.0, 2.2)
    band(board, building.z + 0.2, end - 0.2, 2.55, 3.15)
    z = building.z + 0.8
    for number in building.lit * 2:
        if z > end - 1.0:
            break
        band(ink, z, z + 0.12 + 0.3 * number, 2.68, 2.82 + 0.2 * (number > 0.4))
        z += 0.3 + 0.4 * number
    if open_late:
        middle = max(start + 2.0, 0.5 * (building.z + end))
        canvas.lamps.append(Lamp((x - out * 0.8, 1.5, middle), 0.08, 2.6, 0.0))


def _wall_shadow(
    canvas: Canvas, climate: Climate, building: Building, start: float, end: float
) -> None:
    across = climate.shadow[0]
    if climate.sun[0] == 0.0 or across * building.x > 0.0:
        return
    reach_x = building.x + across * building.height
    reach_z = climate.shadow[1] * building.height
    x = building.x
    corners = [(x, start), (x, end), (reach_x, end + reach_z), (reach_x, start + reach_z)]
    point = canvas.camera.point
    canvas.shadow([point(u, 0.0, v) for u, v in corners], 0.8)
