"""`make bench`: how long things take beside each other, in one run.

The machine is noisy: read the ratios, not the milliseconds. Random weights; 480x640 pairs.
"""

import statistics
import time
from collections.abc import Callable

import torch

from benchmarks import metrics
from ssvif.data.synthetic import render_pair
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.torch_engine import TorchEngine
from ssvif.models.network import build_fusion
from ssvif.ops import luminance
from ssvif.params import NetworkParams

SIZE = (480, 640)
REPEATS = 15


def median_ms(work: Callable[[], object], *, repeats: int = REPEATS) -> tuple[float, float]:
    """Return the median and the interquartile range of a call's time, in milliseconds."""
    work()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(1000.0 * (time.perf_counter() - began))
    lower, median, upper = statistics.quantiles(times, n=4)
    return median, upper - lower


def workloads() -> dict[str, Callable[[], object]]:
    """Return what is measured, by name; the first is what the others are compared with."""
    pair = render_pair(0, seed=0, height=SIZE[0], width=SIZE[1])
    vis = torch.from_numpy(pair.vis).permute(2, 0, 1)[None].float() / 255.0
    ir = torch.from_numpy(pair.ir)[None, None].float() / 255.0
    vis_y = luminance(vis)
    fusion = build_fusion(NetworkParams()).eval()
    half = build_fusion(NetworkParams()).eval().bfloat16()
    fuser = Fuser(TorchEngine(build_fusion(NetworkParams())))

    return {
        "pixel maximum": lambda: torch.maximum(vis_y, ir),
        "fusion network, float32": lambda: fusion(vis_y, ir),
        "fusion network, bfloat16": lambda: half(vis_y.bfloat16(), ir.bfloat16()),
        "fusing bytes to bytes": lambda: fuser(pair.vis, pair.ir),
        "rendering a synthetic pair": lambda: render_pair(1, seed=0, height=SIZE[0], width=SIZE[1]),
    }


def main() -> None:
    """Print a table of medians, spreads and ratios to the float32 network."""
    with torch.inference_mode():
        results = {name: median_ms(work) for name, work in workloads().items()}
    reference = results["fusion network, float32"][0]
    print(f"{'480x640, ' + str(torch.get_num_threads()) + ' threads':30s} median ms  spread  ratio")
    for name, (median, spread) in results.items():
        print(f"{name:30s} {median:9.2f} {spread:7.2f} {median / reference:6.2f}")
    print()
    metrics.main()


if __name__ == "__main__":
    main()
