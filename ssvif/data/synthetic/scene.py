"""A scene: what stands where, and how it moves from one picture to the next."""

from dataclasses import dataclass, replace

import numpy as np

from ssvif.data.synthetic.bicycles import Bicycle
from ssvif.data.synthetic.buildings import Building
from ssvif.data.synthetic.camera import Camera
from ssvif.data.synthetic.canvas import Canvas
from ssvif.data.synthetic.cars import Car
from ssvif.data.synthetic.climate import Climate
from ssvif.data.synthetic.furniture import Bump, Cone, Rail, Stop
from ssvif.data.synthetic.people import Person
from ssvif.data.synthetic.posts import LampPost, Sign
from ssvif.data.synthetic.street import Street
from ssvif.data.synthetic.trees import Tree

_FAR_THING = 70.0
_NEAR_THING = 2.6

Thing = Person | Bicycle | Car | Cone | Rail | Stop | Bump | Sign | LampPost | Tree


@dataclass(frozen=True)
class Smoke:
    """A plume that rises from the ground and hides what is behind it from the visible camera."""

    x: float
    z: float
    width: float
    height: float
    density: float


@dataclass(frozen=True)
class Scene:
    """One block's street, and everything in it as the block begins.

    Args:
        climate: Light, weather, temperatures.
        street: The ground plan.
        buildings: Along both sides.
        things: Everything else that stands or moves.
        smoke: The plumes.
        eye: The camera's height in metres.
        lens: Focal length as a share of the picture's width.
        aim: Vanishing point as shares of the picture, (column, row).
        lane: Where the camera drives, metres from the street's middle.
        pace: Metres the camera moves from one picture to the next.
        headlights: Light of the camera's own headlights; 0 if off.
        sun: Where the low sun stands, as shares of the picture; None where it is not seen.
    """

    climate: Climate
    street: Street
    buildings: tuple[Building, ...]
    things: tuple[Thing, ...]
    smoke: tuple[Smoke, ...]
    eye: float
    lens: float
    aim: tuple[float, float]
    lane: float
    pace: float
    headlights: float
    sun: tuple[float, float] | None


def camera_at(
    scene: Scene, frame: float, jitter: np.random.Generator, size: tuple[int, int]
) -> Camera:
    """Return the camera at one of a block's pictures; it nods and sways a little.

    Args:
        scene: The block.
        frame: Which of its pictures, from 0, or between two.
        jitter: Randomness of this picture.
        size: Height and width in pixels.
    """
    height, width = size
    sway, nod = jitter.uniform(-0.035, 0.035), jitter.uniform(-0.02, 0.02)
    return Camera(
        width=width,
        height=height,
        focal=scene.lens * 0.5 * (width + height * 4.0 / 3.0),
        centre=(scene.aim[0] + sway) * width,
        horizon=(scene.aim[1] + nod) * height,
        eye=scene.eye,
        x=scene.lane + jitter.uniform(-0.3, 0.3),
        z=scene.pace * frame,
    )


def things_at(scene: Scene, frame: float, camera: Camera) -> list[Thing]:
    """Return what the camera can see at one of a block's pictures, from far to near."""
    moved = [_moved(thing, frame) for thing in scene.things]

    def ahead(thing: Thing) -> float:
        if isinstance(thing, Rail):
            return thing.z + thing.length - camera.z
        # A car right before the camera would hide the street.
        room = (7.0 if thing.shape == "lorry" else 4.0) if isinstance(thing, Car) else 0.0
        return thing.z - room - camera.z

    seen = [thing for thing in moved if _NEAR_THING < ahead(thing) < _FAR_THING]
    return sorted(seen, key=lambda thing: -thing.z)


def _moved(thing: Thing, frame: float) -> Thing:
    dx, dz = thing.speed
    if not frame or (dx == 0.0 and dz == 0.0):
        return thing
    moved = replace(thing, x=thing.x + dx * frame, z=thing.z + dz * frame)
    return replace(moved, phase=moved.phase + 1.7 * frame) if isinstance(moved, Person) else moved


def draw_things(canvas: Canvas, scene: Scene, things: list[Thing]) -> None:
    """Draw all things in the order given, each with instance numbers of its own."""
    for number, thing in enumerate(things):
        thing.draw(canvas, scene.climate, 2 * number + 1)
