"""`python -m benchmarks.fusing`: how fast fusing is, beside published networks, in one run.

Everything of a table is measured in turn, round after round, so that other load weighs on all:
read the ratios, not the milliseconds. Synthetic scenes; the package's model.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from benchmarks.rivals import DATFuse, DenseFuse, SeAFusion
from ssvif import console
from ssvif.data.images import read_visible, write_png
from ssvif.data.synthetic import render_pair
from ssvif.fuse.files import fuse_files
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.pairing import FusePair, pair_files
from ssvif.fuse.places import PRETRAINED
from ssvif.params import MAX_PIXELS

SIZE = (480, 640)
SIZES = ((480, 640), (1080, 1920), (2160, 3840), (4320, 7680))
FOLDER_PAIRS = 60
ROUNDS = 12


def rounds(
    works: Mapping[str, Callable[[], object]], *, number: int, warm: int = 1
) -> dict[str, list[float]]:
    """Return the milliseconds of each work, done in turn `number` times.

    Args:
        works: What is done, by name.
        number: How often.
        warm: Calls before each that is measured: caches, and threads of the work before it that
            still spin.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(number):
        for name, work in works.items():
            for _ in range(warm):
                work()
            began = time.perf_counter()
            work()
            times[name].append(1000.0 * (time.perf_counter() - began))
    return times


def print_table(times: Mapping[str, list[float]], reference: str) -> None:
    """Print medians, quartiles and ratios to a reference."""
    base = statistics.median(times[reference])
    print(f"{'':42s} {'median ms':>9s}  {'quartiles':>15s}  {'times':>6s}")
    for name, found in times.items():
        lower, median, upper = statistics.quantiles(found, n=4)
        print(f"{name:42s} {median:9.1f}  {lower:7.1f} {upper:7.1f}  {median / base:6.1f}")
    print()


def networks() -> None:
    """One pair of 480x640: networks alone, and from bytes to bytes."""
    height, width = SIZE
    pair = render_pair(0, seed=0, height=height, width=width)
    planes = [torch.rand(1, 1, *SIZE) for _ in range(2)]
    onnx, half = Fuser.load(PRETRAINED), Fuser.load(PRETRAINED, precision="bfloat16")
    whole = Fuser.load(PRETRAINED, engine="torch")
    published = (DATFuse, DenseFuse, SeAFusion)
    rivals = {network.__name__: network().eval() for network in published}
    works: dict[str, Callable[[], object]] = {
        "SSVIF, bytes to bytes, ONNX Runtime": lambda: onnx(pair.vis, pair.ir),
        "SSVIF, bytes to bytes, PyTorch": lambda: whole(pair.vis, pair.ir),
        "SSVIF, bytes to bytes, PyTorch bfloat16": lambda: half(pair.vis, pair.ir),
        **{
            f"{name}, network alone, PyTorch": lambda network=network: network(*planes)
            for name, network in rivals.items()
        },
    }
    with torch.inference_mode():
        print(f"one pair of {height}x{width}, {torch.get_num_threads()} threads")
        print_table(rounds(works, number=ROUNDS, warm=2), "SSVIF, bytes to bytes, ONNX Runtime")


def sizes() -> None:
    """Cost of a pixel by the size of the image, and the most memory so far."""
    fuser = Fuser.load(PRETRAINED)
    print(f"{'size':>12s} {'ms':>9s} {'ns a pixel':>11s} {'peak MB':>8s}")
    for height, width in SIZES:
        generator = np.random.default_rng(0)
        vis = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
        ir = np.ascontiguousarray(vis[..., 1])
        number = max(2, ROUNDS // (height * width // 307_200))
        (found,) = rounds({"": lambda v=vis, i=ir: fuser(v, i)}, number=number).values()
        median = statistics.median(found)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        nanoseconds = 1.0e6 * median / (height * width)
        print(f"{f'{height}x{width}':>12s} {median:9.1f} {nanoseconds:11.1f} {peak:8.0f}")
    print()


def folders(root: Path) -> None:
    """From folder to folder, beside reading and writing the same files alone."""
    pairs = _render(root, FOLDER_PAIRS)
    fuser = Fuser.load(PRETRAINED)

    def copy(pair: FusePair) -> None:
        vis = read_visible(pair.vis, max_pixels=MAX_PIXELS)
        read_visible(pair.ir, max_pixels=MAX_PIXELS)
        write_png(root / "copy" / pair.out.name, vis)

    def in_turn() -> None:
        for pair in pairs:
            copy(pair)

    def beside_each_other() -> None:
        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            deque(pool.map(copy, pairs), maxlen=0)

    def fuse() -> None:
        for pair in pairs:
            pair.out.unlink(missing_ok=True)
        fuse_files(fuser, pairs)

    print(f"{FOLDER_PAIRS} pairs of PNG, {SIZE[0]}x{SIZE[1]}, all of them")
    alone = "decoding and encoding alone, one by one"
    beside = "decoding and encoding alone, all cores"
    works = {alone: in_turn, beside: beside_each_other, "fusing": fuse}
    print_table(rounds(works, number=3), alone)


def start() -> None:
    """A fresh process to its first fused image."""
    with tempfile.TemporaryDirectory() as name:
        (pair,) = _render(Path(name), 1)
        command = [sys.executable, "-c", "from ssvif.cli.main import main; main()", "fuse"]
        call = [*command, str(pair.vis), str(pair.ir), "-o", str(pair.out), "--model", "pretrained"]

        def run() -> None:
            pair.out.unlink(missing_ok=True)
            subprocess.run(call, check=True, capture_output=True)

        print("start to first fused image")
        print_table(rounds({"ssvif fuse, one pair": run}, number=5), "ssvif fuse, one pair")


def memory(number: int) -> None:
    """Peak memory while many pairs are fused, at every tenth of them."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        some = _render(root / "some", 20)
        pairs = [
            FusePair(some[i % 20].vis, some[i % 20].ir, root / "out" / f"{i}.png")
            for i in range(number)
        ]

        def tell(done: int, _: int) -> None:
            pairs[done - 1].out.unlink(missing_ok=True)
            if done % (number // 10) == 0:
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                print(f"{done:8d} pairs: peak {peak:6.0f} MB", flush=True)

        fuse_files(Fuser.load(PRETRAINED), pairs, tell=tell)


def _render(root: Path, number: int) -> list[FusePair]:
    for index in range(number):
        pair = render_pair(index % 20, seed=0, height=SIZE[0], width=SIZE[1])
        write_png(root / "vis" / f"{index}.png", pair.vis)
        write_png(root / "ir" / f"{index}.png", pair.ir)
    return pair_files(root / "vis", root / "ir", root / "out")


def main(
    memory_of: Annotated[
        int, typer.Option("--memory", help="Fuse so many pairs, and print the memory alone.")
    ] = 0,
) -> None:
    """Measure how fast fusing is."""
    if memory_of:
        memory(memory_of)
        return
    networks()
    start()
    with tempfile.TemporaryDirectory() as name:
        folders(Path(name))
    sizes()


if __name__ == "__main__":
    console.run(lambda: typer.run(main))
