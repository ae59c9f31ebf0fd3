"""Drawing lots: which street, and who and what is on it.

Pictures come in blocks of `BLOCK`, like frames of one drive: a block's pictures share the
street, the light and the people, seen a few metres and a moment apart.
"""

from dataclasses import replace
from functools import lru_cache
from math import pi

import numpy as np

from ssvif.data.synthetic.bicycles import draw_bicycle
from ssvif.data.synthetic.buildings import Building, draw_front
from ssvif.data.synthetic.cars import draw_car
from ssvif.data.synthetic.climate import CONDITIONS, Climate, draw_climate
from ssvif.data.synthetic.furniture import Bump, Cone, Rail, Stop
from ssvif.data.synthetic.people import draw_person
from ssvif.data.synthetic.posts import LampPost, Sign
from ssvif.data.synthetic.scene import Scene, Smoke, Thing
from ssvif.data.synthetic.street import Street
from ssvif.data.synthetic.trees import draw_tree
from ssvif.seeding import numpy_generator

BLOCK = 4


@lru_cache(maxsize=16)
def draw_scene(seed: int, block: int) -> Scene:
    """Draw the plan of one block."""
    generator = numpy_generator(seed, "synthetic", "scene", block)
    light, effect = CONDITIONS[block % len(CONDITIONS)]
    climate = draw_climate(light, effect, generator)
    street = _street(generator)
    smoke = _smoke(generator) if effect == "smoke" else ()
    things = [
        *_furniture(generator, street),
        *_trees(generator, street),
        *_traffic(generator, street, dazzling=effect == "glare" and light == "night"),
        *_walkers(generator, street),
        *_hidden(generator, climate, smoke),
    ]
    low_sun = effect == "glare" and light != "night"
    aim = (generator.uniform(0.4, 0.6), generator.uniform(0.38, 0.5))
    return Scene(
        climate=climate,
        street=street,
        buildings=_buildings(generator, street),
        things=tuple(things),
        smoke=smoke,
        eye=generator.uniform(1.25, 2.1),
        lens=generator.uniform(0.8, 1.05),
        aim=aim,
        lane=0.5 * street.right + generator.uniform(-1.0, 0.6),
        pace=generator.uniform(2.0, 3.6),
        headlights=0.5 * float(climate.lamps_on) * float(generator.random() < 0.6),
        sun=(aim[0] + generator.uniform(-0.2, 0.2), aim[1] - 0.14) if low_sun else None,
    )


def _street(generator: np.random.Generator) -> Street:
    half = generator.uniform(2.9, 4.6)
    skyline, x = [], -75.0
    while x < 75.0:
        wide = generator.uniform(10.0, 24.0)
        tall, shade = generator.uniform(6.0, 20.0), generator.random()
        skyline.append((x, x + wide, tall, shade))
        x += wide * generator.uniform(0.7, 1.2)
    return Street(
        left=-half,
        right=half,
        pavement=generator.uniform(1.6, 3.0),
        verge=("grass", "paved")[generator.integers(2)],
        asphalt=generator.uniform(0.11, 0.22),
        centre_line=("dashed", "dashed", "solid", "none")[generator.integers(4)],
        yellow=bool(generator.random() < 0.3),
        edge_lines=bool(generator.random() < 0.7),
        crossings=(generator.uniform(9.0, 26.0),) if generator.random() < 0.5 else (),
        arrows=(generator.uniform(6.0, 14.0),) if generator.random() < 0.4 else (),
        hatched=generator.uniform(8.0, 14.0) if generator.random() < 0.25 else None,
        skyline=tuple(skyline),
    )


def _buildings(generator: np.random.Generator, street: Street) -> tuple[Building, ...]:
    buildings = []
    for side in (-1.0, 1.0):
        weights = ((0.75, 0.1, 0.15), (0.15, 0.4, 0.45))[generator.integers(2)]
        z = generator.uniform(-8.0, 4.0)
        while z < 80.0:
            kind = str(generator.choice(["house", "wall", "hedge"], p=weights))
            back = generator.uniform(0.3, 2.5) if kind == "house" else 0.2
            x = side * (street.right + street.pavement + back)
            buildings.append(draw_front(generator, kind, x, z))
            z += buildings[-1].length + (generator.uniform(0.0, 7.0) if kind == "house" else 0.0)
    return tuple(sorted(buildings, key=lambda building: -(building.z + building.length)))


def _furniture(generator: np.random.Generator, street: Street) -> list[Thing]:
    edge = street.right
    things: list[Thing] = []
    if generator.random() < 0.55:
        things += _cones(generator, edge)
    if generator.random() < 0.5:
        things += _rails(generator, edge)
    if generator.random() < 0.5:
        things += _stops(generator, edge)
    if generator.random() < 0.45:
        things.append(Bump(0.0, generator.uniform(8.0, 20.0), 2.0 * edge - 0.3))
    things += [_sign(generator, edge) for _ in range(int(generator.integers(1, 4)))]
    spacing, arm = generator.uniform(14.0, 24.0), generator.uniform(0.8, 2.0)
    side = _side(generator)
    for k in range(4):
        z = generator.uniform(3.0, 9.0) + spacing * k
        things.append(LampPost(side * (edge + 0.6), z, 6.0, -side * arm))
        side = -side
    return things


def _side(generator: np.random.Generator) -> float:
    """Draw -1 for left or 1 for right."""
    return float(generator.choice([-1.0, 1.0]))


def _cones(generator: np.random.Generator, edge: float) -> list[Cone]:
    side, z = _side(generator), generator.uniform(5.0, 14.0)
    colour = ((0.75, 0.16, 0.03), (0.7, 0.08, 0.03), (0.1, 0.45, 0.2))[generator.integers(3)]
    shifts = generator.uniform(-0.1, 0.1, int(generator.integers(2, 6))).tolist()
    return [
        Cone(side * (edge - 0.7 - 0.15 * k) + shift, z + 2.2 * k, colour)
        for k, shift in enumerate(shifts)
    ]


def _rails(generator: np.random.Generator, edge: float) -> list[Rail]:
    side, z = _side(generator), generator.uniform(3.0, 12.0)
    striped, count = bool(generator.random() < 0.5), int(generator.integers(2, 6))
    return [Rail(side * (edge + 0.45), z + 4.0 * k, 4.0, striped) for k in range(count)]


def _stops(generator: np.random.Generator, edge: float) -> list[Stop]:
    side, z = _side(generator), generator.uniform(5.0, 12.0)
    low, count = generator.random() < 0.5, int(generator.integers(3, 6))
    size = (0.5, 0.16, 1.1) if low else (0.4, generator.uniform(0.4, 0.75), 0.45)
    return [Stop(side * (edge + 0.75), z + 2.4 * k, size) for k in range(count)]


def _sign(generator: np.random.Generator, edge: float) -> Sign:
    board = ("round", "triangle", "panel", "panel")[generator.integers(4)]
    blues = ((0.03, 0.1, 0.4), (0.02, 0.25, 0.12))
    colour = (0.55, 0.03, 0.03) if board != "panel" else blues[generator.integers(2)]
    side = _side(generator)
    x, z = side * (edge + generator.uniform(0.35, 0.9)), generator.uniform(7.0, 28.0)
    strokes = tuple(generator.uniform(0.3, 1.0, 6 if board == "panel" else 2).tolist())
    return Sign(x, z, generator.uniform(2.0, 2.7), board, colour, strokes)


def _trees(generator: np.random.Generator, street: Street) -> list[Thing]:
    trees: list[Thing] = []
    for side in (-1.0, 1.0):
        if generator.random() < 0.3:
            continue
        z, gap = generator.uniform(5.0, 14.0), generator.uniform(6.0, 13.0)
        while z < 55.0:
            x = side * (street.right + street.pavement * generator.uniform(0.55, 1.0))
            trees.append(draw_tree(generator, x, z))
            z += gap * generator.uniform(0.8, 1.4)
    return trees


def _traffic(generator: np.random.Generator, street: Street, *, dazzling: bool) -> list[Thing]:
    things: list[Thing] = []
    lane = 0.5 * street.right
    if dazzling:
        z = generator.uniform(17.0, 24.0)
        things.append(draw_car(generator, -lane, z, pi - 0.06, speed=(0.0, -1.2), dazzling=True))
        # Whoever walks beside full beams is lost in them to the visible camera.
        aside = -lane + 1.5 * generator.choice([-1.0, 1.0])
        things.append(draw_person(generator, aside, z - 1.0, (0.15, -0.5)))
    elif generator.random() < 0.75:
        z = generator.uniform(12.0, 32.0)
        things.append(draw_car(generator, -lane, z, pi, speed=(0.0, -2.0)))
    if generator.random() < 0.6:
        z = generator.uniform(13.0, 34.0)
        things.append(draw_car(generator, lane, z, 0.0, speed=(0.0, 2.5)))
    for side in (-1.0, 1.0):
        if generator.random() < 0.5:
            continue
        heading = 0.0 if side > 0 else pi
        z, count = generator.uniform(6.0, 15.0), int(generator.integers(1, 5))
        for _ in range(count):
            x = side * (street.right - 0.95 + generator.uniform(-0.1, 0.1))
            slant = generator.uniform(-0.05, 0.05)
            things.append(draw_car(generator, x, z, heading + slant))
            z += generator.uniform(6.0, 9.5)
    return things


def _walkers(generator: np.random.Generator, street: Street) -> list[Thing]:
    things: list[Thing] = []
    for _ in range(int(generator.integers(1, 6))):
        side = _side(generator)
        x = side * (street.right + generator.uniform(0.4, street.pavement))
        z = generator.uniform(5.5, 26.0)
        speed = (generator.uniform(-0.1, 0.1), generator.choice([-0.9, 0.9]))
        things.append(draw_person(generator, x, z, speed))
        if generator.random() < 0.35:
            friend = x + generator.uniform(0.5, 0.75)
            things.append(draw_person(generator, friend, z + 0.3, speed))
    if generator.random() < 0.55:
        x, z = generator.uniform(-0.8, 0.6) * street.right, generator.uniform(8.0, 18.0)
        speed = (generator.choice([-0.8, 0.8]), generator.uniform(-0.1, 0.1))
        things.append(draw_person(generator, x, z, speed))
    if generator.random() < 0.55:
        x, z = generator.uniform(-0.7, 0.7) * street.right, generator.uniform(8.0, 18.0)
        speed = (generator.choice([-1.4, 1.4]), generator.uniform(-0.5, 0.9))
        things.append(draw_bicycle(generator, x, z, speed, ridden=True))
    if generator.random() < 0.5:
        side, z = _side(generator), generator.uniform(6.0, 16.0)
        for k in range(int(generator.integers(1, 4))):
            x = side * (street.right + 0.7 + 0.15 * k)
            bicycle = draw_bicycle(generator, x, z + 0.7 * k, (0.0, 0.0), ridden=False)
            things.append(bicycle)
    return things


def _smoke(generator: np.random.Generator) -> tuple[Smoke, ...]:
    return tuple(
        Smoke(
            x=generator.uniform(-3.5, 3.5),
            z=generator.uniform(9.0, 13.0) + 3.0 * k,
            width=generator.uniform(3.0, 5.0),
            height=generator.uniform(5.0, 9.0),
            density=generator.uniform(3.2, 5.0),
        )
        for k in range(int(generator.integers(1, 3)))
    )


def _hidden(
    generator: np.random.Generator, climate: Climate, smoke: tuple[Smoke, ...]
) -> list[Thing]:
    """People whom only the infrared camera sees: behind smoke, or far from every lamp."""
    things: list[Thing] = []
    for plume in smoke:
        for _ in range(2):
            x = plume.x + generator.uniform(-0.35, 0.35) * plume.width
            z = plume.z + generator.uniform(1.0, 4.0)
            speed = (generator.choice([-0.4, 0.4]), 0.0)
            things.append(draw_person(generator, x, z, speed))
    if climate.light == "night":
        x, z = generator.uniform(-3.0, 3.0), generator.uniform(11.0, 16.0)
        person = draw_person(generator, x, z, (generator.choice([-0.5, 0.5]), 0.0))
        things.append(replace(person, top=(0.02, 0.02, 0.025), legs=(0.02, 0.02, 0.02)))
    return things
