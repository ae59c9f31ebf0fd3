"""One synthetic pair: both images, the label mask and the boxes, from one drawing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from ssvif.data.synthetic.bicycles import BIKE_LABEL
from ssvif.data.synthetic.buildings import draw_building, draw_skyline
from ssvif.data.synthetic.camera import Camera
from ssvif.data.synthetic.canvas import Canvas
from ssvif.data.synthetic.cars import CAR_LABEL
from ssvif.data.synthetic.climate import Effect, Light
from ssvif.data.synthetic.infrared import render_infrared
from ssvif.data.synthetic.people import PERSON_LABEL
from ssvif.data.synthetic.plan import BLOCK, draw_scene
from ssvif.data.synthetic.scene import Scene, camera_at, draw_things, things_at
from ssvif.data.synthetic.street import draw_ground, draw_sky
from ssvif.data.synthetic.surface import Surface, seen_surface
from ssvif.data.synthetic.visible import render_visible
from ssvif.data.synthetic.weather import Source, lamp_sources, smoke_cover
from ssvif.errors import ShapeError
from ssvif.seeding import numpy_generator

MIN_SIZE = 64
MIN_BOX = 3  # pixels: smaller glimpses of a thing get no box
Box = tuple[int, float, float, float, float]

_BOX_CLASSES = {PERSON_LABEL: 0, BIKE_LABEL: 1, CAR_LABEL: 2}


@dataclass(frozen=True)
class SyntheticPair:
    """A registered pair with its labels.

    Args:
        name: Sorts by index and says light and effect, such as `00005_night_clear`.
        light: Time of day.
        effect: What hampers the visible camera.
        vis: (H, W, 3) uint8 RGB.
        ir: (H, W) uint8, brighter where warmer.
        mask: (H, W) uint8, MSRS classes 0 to 8.
        boxes: (class, centre x, centre y, width, height) as shares of the picture;
            0 person, 1 bicycle, 2 car; each bounds what is seen of one thing.
    """

    name: str
    light: Light
    effect: Effect
    vis: NDArray[np.uint8]
    ir: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    boxes: tuple[Box, ...]


def render_pair(index: int, *, seed: int, height: int = 240, width: int = 320) -> SyntheticPair:
    """Render one pair; a pure function of its arguments.

    Args:
        index: Which pair; four in a row share a street, seen a few metres apart.
        seed: Of the whole sample.
        height: In pixels, at least 64.
        width: In pixels, at least 64.

    Raises:
        ShapeError: If the size is too small to show a street.
    """
    if min(height, width) < MIN_SIZE:
        raise ShapeError(f"expected at least {MIN_SIZE}x{MIN_SIZE} pixels, found {height}x{width}")
    block, frame = divmod(index, BLOCK)
    scene = draw_scene(seed, block)
    jitter = numpy_generator(seed, "synthetic", "picture", index)
    camera = camera_at(scene, frame, jitter, (height, width))
    canvas = _drawn(scene, camera, frame)
    surface = seen_surface(canvas)
    climate = scene.climate
    cover = smoke_cover(camera, surface.depth, scene.smoke, drift=0.8 * frame)
    sources = _sources(scene, camera, surface, canvas)
    vis = render_visible(scene, camera, surface, canvas.lamps, cover, sources, jitter)
    return SyntheticPair(
        name=f"{index:05d}_{climate.light}_{climate.effect}",
        light=climate.light,
        effect=climate.effect,
        vis=vis,
        ir=render_infrared(climate, surface, cover, jitter),
        mask=surface.labels,
        boxes=tuple(_boxes(surface.labels, surface.instances)),
    )


def _drawn(scene: Scene, camera: Camera, frame: int) -> Canvas:
    """Draw everything, from far to near."""
    canvas = Canvas(camera, sky=scene.climate.sky)
    draw_sky(canvas, scene.climate)
    draw_skyline(canvas, scene.climate, scene.street)
    draw_ground(canvas, scene.climate, scene.street)
    for building in scene.buildings:
        draw_building(canvas, scene.climate, building)
    draw_things(canvas, scene, things_at(scene, frame, camera))
    return canvas


def _sources(scene: Scene, camera: Camera, surface: Surface, canvas: Canvas) -> list[Source]:
    foggy = scene.climate.effect in ("fog", "smoke")
    sources = []
    if scene.climate.lamps_on:
        sources = lamp_sources(camera, surface, canvas.lamps, foggy=foggy)
    if scene.sun is not None:
        column = scene.sun[0] * camera.width + camera.centre - scene.aim[0] * camera.width
        row = max(scene.sun[1] * camera.height, 2.0)
        strength = 5.0 if scene.climate.light == "day" else 2.2
        size = camera.height
        sources.append(Source(column, row, strength, 0.05 * size, 0.5 * size))
    return sources


def _boxes(labels: NDArray[np.uint8], instances: NDArray[np.int32]) -> list[Box]:
    """Bound what is seen of each person, bicycle and car."""
    height, width = labels.shape
    boxes = []
    places = [(number, place) for number, place in enumerate(find_objects(instances), 1) if place]
    for number, place in places:
        rows, columns = place
        label = int(labels[place][instances[place] == number][0])
        high, wide = rows.stop - rows.start, columns.stop - columns.start
        if label not in _BOX_CLASSES or min(high, wide) < MIN_BOX:
            continue
        centre_x, centre_y = (columns.start + wide / 2) / width, (rows.start + high / 2) / height
        boxes.append((_BOX_CLASSES[label], centre_x, centre_y, wide / width, high / height))
    return boxes
