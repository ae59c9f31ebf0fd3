"""Cars: paint, glass, warm engines and tyres, headlights."""

from dataclasses import dataclass
from math import cos, sin

import numpy as np

from ssvif.data.synthetic.camera import Point
from ssvif.data.synthetic.canvas import Canvas, Colour, Lamp, Material, dimmed
from ssvif.data.synthetic.car_shapes import PROFILES, car_solid
from ssvif.data.synthetic.climate import Climate
from ssvif.data.synthetic.solid import Corner, Solid, visible_faces
from ssvif.data.synthetic.textures import Texture

CAR_LABEL = 1
_PAINTS: tuple[Colour, ...] = (
    (0.75, 0.75, 0.74),
    (0.45, 0.46, 0.47),
    (0.16, 0.17, 0.18),
    (0.025, 0.025, 0.03),
    (0.42, 0.04, 0.035),
    (0.05, 0.1, 0.32),
    (0.6, 0.52, 0.08),
    (0.12, 0.25, 0.2),
)


@dataclass(frozen=True)
class Car:
    """A car, driven or parked.

    Args:
        x: Metres to the right of the street's middle.
        z: Metres along the street.
        heading: 0 drives away from the camera, pi towards it.
        shape: Which profile.
        paint: Colour of the body.
        driven: Whether the engine runs and, in the dark, the lamps are lit.
        dazzling: Whether its headlights are on full beam.
        speed: Metres along (X, Z) from one picture to the next.
    """

    x: float
    z: float
    heading: float
    shape: str
    paint: Colour
    driven: bool
    dazzling: bool
    speed: Point

    def draw(self, canvas: Canvas, climate: Climate, instance: int) -> None:
        """Draw the car and its shadow, and switch on its lamps."""
        solid = car_solid(self.shape)
        _car_shadow(canvas, climate, self, solid)
        materials = _materials(climate, self)
        plane = canvas.camera.facing(self.z)
        pieces: dict[tuple[str, Corner], int] = {}
        small = canvas.camera.scale(self.z) < 5.0
        for face, outline in visible_faces(canvas, solid, self.x, self.z, self.heading):
            if small and face.part in ("line", "plate", "rim"):
                continue
            key = (face.part, face.normal)
            if key not in pieces:
                sunlit = climate.facing(*_turned(face.normal, self.heading))
                # Roofs and bonnets see the most sky, sides the least.
                open_sky = 0.72 + 0.4 * max(face.normal[1], 0.0) + 0.12 * abs(face.normal[0])
                material = dimmed(materials[face.part], open_sky)
                pieces[key] = canvas.piece(
                    material, plane, sunlit=sunlit, label=CAR_LABEL, instance=instance
                )
            canvas.polygon(pieces[key], outline)
        if climate.lamps_on and self.driven:
            _switch_on(canvas, self, solid)


def draw_car(
    generator: np.random.Generator,
    x: float,
    z: float,
    heading: float,
    *,
    speed: Point = (0.0, 0.0),
    dazzling: bool = False,
) -> Car:
    """Draw a car's shape and colour; it is driven if it moves or dazzles."""
    shapes = ("saloon", "saloon", "hatchback", "hatchback", "suv", "van", "lorry")
    return Car(
        x=x,
        z=z,
        heading=heading,
        shape=shapes[generator.integers(len(shapes))] if not dazzling else "saloon",
        paint=_PAINTS[generator.integers(len(_PAINTS))],
        driven=dazzling or speed != (0.0, 0.0),
        dazzling=dazzling,
        speed=speed,
    )


def _materials(climate: Climate, car: Car) -> dict[str, Material]:
    """What each part is made of; engines and tyres are warm only where the car is driven."""
    warm = 1.0 if car.driven else 0.0
    lit = climate.lamps_on and car.driven
    air = climate.air
    dark = (0.02, 0.02, 0.022)
    head_glow = (14.0 if car.dazzling else 5.0) if lit else 0.0

    def painted(temperature: float) -> Material:
        return Material(car.paint, temperature, 0.91, grain=0.05, grain_ir=0.5, period=3.0)

    return {
        "body": painted(air + 2.0 + 3.0 * warm),
        "bonnet": painted(air + 2.5 + 11.0 * warm),
        "glass": Material((0.06, 0.075, 0.085), air + 2.5 + 5.0 * warm, 0.84, grain=0.3),
        "arch": Material(dark, air + 1.0 + 9.0 * warm),
        "tyre": Material(dark, air + 2.0 + 14.0 * warm),
        "rim": Material((0.4, 0.4, 0.42), air + 1.0 + 9.0 * warm, 0.8),
        "line": Material(dark, air + 1.0, 0.9),
        "plate": Material((0.5, 0.5, 0.4), air + 2.0 + 3.0 * warm, 0.86),
        "box": Material((0.5, 0.5, 0.48), air + 1.0, 0.9, 0.0, Texture.CONCRETE, 0.08, 0.5),
        "grille": Material(dark, air + 3.0 + 17.0 * warm),
        "headlight": Material((0.9, 0.9, 0.85), air + 2.0 + 12.0 * warm, 0.9, glow=head_glow),
        "tail": Material((0.6, 0.03, 0.02), air + 2.0 + 2.0 * warm, 0.9, glow=1.2 if lit else 0.0),
    }


def _turned(normal: Corner, heading: float) -> Corner:
    forward, up, right = normal
    across = forward * sin(heading) + right * cos(heading)
    return across, up, forward * cos(heading) - right * sin(heading)


def _car_shadow(canvas: Canvas, climate: Climate, car: Car, solid: Solid) -> None:
    half = float(solid.corners[:, 0].max())
    height = float(solid.corners[:, 1].max())
    base = [(half, -0.85), (half, 0.85), (-half, 0.85), (-half, -0.85)]
    sine, cosine = sin(car.heading), cos(car.heading)
    foot = [(car.x + u * sine + w * cosine, car.z + u * cosine - w * sine) for u, w in base]
    point = canvas.camera.point
    if climate.sun[0] > 0.0:
        shift = (climate.shadow[0] * 0.85 * height, climate.shadow[1] * 0.85 * height)
        for k in range(4):
            (x0, z0), (x1, z1) = foot[k], foot[(k + 1) % 4]
            outline = [(x0, z0), (x1, z1), (x1 + shift[0], z1 + shift[1])]
            outline.append((x0 + shift[0], z0 + shift[1]))
            canvas.shadow([point(x, 0.0, z) for x, z in outline], 0.85)
    canvas.shadow([point(x, 0.0, z) for x, z in foot], 0.9)


def _switch_on(canvas: Canvas, car: Car, solid: Solid) -> None:
    """Light the road in front of the headlights, and dazzle whoever they point at."""
    half = float(solid.corners[:, 0].max())
    sine, cosine = sin(car.heading), cos(car.heading)
    towards = max(0.0, -cosine)
    height = PROFILES[car.shape][1][1] + 0.06
    for side in (-0.65, 0.65):
        x = car.x + half * sine + side * cosine
        z = car.z + half * cosine - side * sine
        halo = towards**2 * (22.0 if car.dazzling else 2.2)
        canvas.lamps.append(Lamp((x, height, z), 0.0, 1.0, halo))
    ahead = (car.x + (half + 3.5) * sine, 0.4, car.z + (half + 3.5) * cosine)
    canvas.lamps.append(Lamp(ahead, 0.22 if car.dazzling else 0.12, 2.2, 0.0))
