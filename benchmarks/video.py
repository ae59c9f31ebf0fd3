"""`python -m benchmarks.video`: how fast videos are fused, where the time goes, and flicker.

A synthetic drive down a street and back again, a minute of 480x640 at 25 frames a second, as two
H.264 files. The machine is noisy: read the shares, not the milliseconds.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ssvif.data.synthetic.buildings import draw_building, draw_skyline
from ssvif.data.synthetic.canvas import Canvas
from ssvif.data.synthetic.infrared import render_infrared
from ssvif.data.synthetic.plan import draw_scene
from ssvif.data.synthetic.scene import camera_at, draw_things, things_at
from ssvif.data.synthetic.street import draw_ground, draw_sky
from ssvif.data.synthetic.surface import seen_surface
from ssvif.data.synthetic.visible import render_visible
from ssvif.data.synthetic.weather import smoke_cover
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.video.frames import infrared_converter, rgb_converter
from ssvif.fuse.video.fuse import fuse_videos
from ssvif.fuse.video.reader import Info, Reader
from ssvif.fuse.video.sources import find_source
from ssvif.fuse.video.writers import open_writer
from ssvif.seeding import numpy_generator

SIZE = (480, 640)
RATE = 25
PICTURES = 1.5  # of a block of the synthetic sample: how far the drive goes
DRAWN = 5 * RATE  # frames that are drawn, which takes a quarter of a second each; then it goes back
PARTS = 10 * RATE  # frames on which each part is timed alone
NOISE = {"visible": 3.0, "infrared": 3.0}  # grey levels, standard deviation

Bytes = npt.NDArray[np.uint8]
Pair = tuple[Bytes, Bytes]


def drive(frames: int, *, block: int = 0, seed: int = 0) -> list[Pair]:
    """Render a drive down a street, with what moves there.

    Args:
        frames: How many.
        block: Which street.
        seed: Of the streets.
    """
    scene, drawn = draw_scene(seed, block), []
    for number in range(frames):
        at: float = PICTURES * number / frames
        # The same in all frames: a camera that sways and exposes each picture anew would flicker.
        jitter = numpy_generator(seed, "drive")
        camera = camera_at(scene, at, jitter, SIZE)
        canvas = Canvas(camera, sky=scene.climate.sky)
        draw_sky(canvas, scene.climate)
        draw_skyline(canvas, scene.climate, scene.street)
        draw_ground(canvas, scene.climate, scene.street)
        for building in scene.buildings:
            draw_building(canvas, scene.climate, building)
        draw_things(canvas, scene, things_at(scene, at, camera))
        surface = seen_surface(canvas)
        cover = smoke_cover(camera, surface.depth, scene.smoke, drift=0.0)
        vis = render_visible(scene, camera, surface, canvas.lamps, cover, [], jitter)
        ir = render_infrared(scene.climate, surface, cover, jitter)
        drawn.append((vis, ir))
    return drawn


def recorded(drawn: list[Pair], frames: int, *, seed: int = 0) -> Iterator[Pair]:
    """Yield frames of a drive there and back, and so on, each with its own noise of the sensors."""
    noise = numpy_generator(seed, "drive", "noise")
    for number in range(frames):
        back = number % (2 * len(drawn))
        vis, ir = drawn[min(back, 2 * len(drawn) - 1 - back)]
        yield _noisy(vis, NOISE["visible"], noise), _noisy(ir, NOISE["infrared"], noise)


def write_clips(folder: Path, frames: int) -> tuple[Path, Path]:
    """Write a drive as two files, and return them."""
    info = Info(SIZE, False, Fraction(RATE), Fraction(1, RATE * 512), frames, None)
    vis_path, ir_path = folder / "vis.mp4", folder / "ir.mp4"
    with (
        open_writer(vis_path, info, comment="") as write_vis,
        open_writer(ir_path, info, comment="") as write_ir,
    ):
        drawn = drive(min(frames, DRAWN))
        for number, (vis, ir) in enumerate(recorded(drawn, frames)):
            write_vis(vis, Fraction(number, RATE))
            write_ir(np.repeat(ir[..., None], 3, axis=2), Fraction(number, RATE))
    return vis_path, ir_path


def read(path: Path, *, infrared: bool) -> list[Bytes]:
    """Decode a clip's first frames, on which each part is timed alone."""
    convert = infrared_converter(path.name) if infrared else rgb_converter()
    with closing(Reader(find_source(str(path)), convert, interrupted=lambda: False)) as reader:
        return [frame.image.astype(np.uint8, copy=False) for frame in islice(reader, PARTS)]


def speed(fuser: Fuser, folder: Path, frames: int) -> None:
    """Print frames a second: each part alone, and all together."""
    vis_path, ir_path = write_clips(folder, frames)
    rates: dict[str, float] = {}

    def timed(name: str, began: float, count: int) -> None:
        rates[name] = count / (time.perf_counter() - began)

    began = time.perf_counter()
    vis, ir = read(vis_path, infrared=False), read(ir_path, infrared=True)
    timed("decode both, alone", began, len(vis))
    fuser(vis[0], ir[0])
    began = time.perf_counter()
    fused = [fuser(*pair) for pair in zip(vis, ir, strict=True)]
    timed("fuse, alone", began, len(fused))
    info = Info(SIZE, False, Fraction(RATE), Fraction(1, RATE * 512), len(fused), None)
    began = time.perf_counter()
    with open_writer(folder / "alone.mp4", info, comment="") as write:
        for number, image in enumerate(fused):
            write(image, Fraction(number, RATE))
    timed("encode, alone", began, len(fused))
    began = time.perf_counter()
    fuse_videos(fuser, find_source(str(vis_path)), find_source(str(ir_path)), folder / "fused.mp4")
    timed("all, overlapping", began, frames)
    print(f"480x640, {frames} frames, {frames / RATE:.0f} s; parts on {len(fused)} of them")
    print(f"{'':20s} frames/s  of real time  ms/frame")
    for name, rate in rates.items():
        print(f"{name:20s} {rate:8.1f} {rate / RATE:13.2f} {1000 / rate:9.1f}")


def flicker(fuser: Fuser, frames: int = 12) -> None:
    """Print how much luminance changes from frame to frame where nothing moves."""
    print("\nstill scene, noise alone: change between frames, grey levels")
    print(f"{'scene':>5s} {'of':>10s}  {'pixel':>6s}  {'frame mean':>10s}")
    for block in (0, 1, 2, 5):
        [(vis, ir)] = drive(1, block=block)
        noise = numpy_generator(0, "flicker", block)
        images: dict[str, list[npt.NDArray[np.float64]]] = {
            "visible": [],
            "infrared": [],
            "fused": [],
        }
        for _ in range(frames):
            noisy_vis = _noisy(vis, NOISE["visible"], noise)
            noisy_ir = _noisy(ir, NOISE["infrared"], noise)
            images["visible"].append(_luminance(noisy_vis))
            images["infrared"].append(noisy_ir.astype(float))
            images["fused"].append(_luminance(fuser(noisy_vis, noisy_ir)))
        for name, found in images.items():
            steps = np.diff(np.stack(found), axis=0)
            means = np.abs(steps.mean(axis=(1, 2))).mean()
            print(f"{block:5d} {name:>10s}  {np.abs(steps).mean():6.2f}  {means:10.3f}")


def _noisy(image: Bytes, deviation: float, generator: np.random.Generator) -> Bytes:
    noise = generator.normal(0.0, deviation, image.shape)
    return np.rint(image + noise).clip(0, 255).astype(np.uint8)


def _luminance(rgb: Bytes) -> npt.NDArray[np.float64]:
    weighted: npt.NDArray[np.float64] = rgb @ np.array([0.299, 0.587, 0.114])
    return weighted


def main() -> None:
    """Measure speed and flicker of the package's model, or of another one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=60 * RATE)
    parser.add_argument("--model", type=Path, help="a bundle's folder; by default the one in use")
    parser.add_argument("--keep", type=Path, help="a folder for the clips; by default none stay")
    options = parser.parse_args()
    fuser = Fuser.load(options.model)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        speed(fuser, folder, options.frames)
    flicker(fuser)


if __name__ == "__main__":
    main()
