"""`python -m benchmarks.metrics`: the standard metrics beside the published evaluators' way.

Both are measured in turn, round after round, on the same pairs, so that other load weighs on both:
read the ratio, not the milliseconds.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.published import PUBLISHED, Image
from ssvif.data.synthetic import render_pair
from ssvif.metrics.table import STANDARD, Metric, score_all
from ssvif.ops import luminance

SIZE = (480, 640)
BATCH = 4
ROUNDS = 5


def pairs() -> dict[str, torch.Tensor]:
    """Return synthetic pairs fused by maximum: fused, vis and ir, (BATCH, 1, H, W) in [0, 1]."""
    rendered = [render_pair(i, seed=0, height=SIZE[0], width=SIZE[1]) for i in range(BATCH)]
    colour = torch.from_numpy(np.stack([pair.vis for pair in rendered])).permute(0, 3, 1, 2)
    vis = luminance(colour.float() / 255.0)
    ir = torch.from_numpy(np.stack([pair.ir for pair in rendered]))[:, None].float() / 255.0
    return {"fused": torch.maximum(vis, ir), "vis": vis, "ir": ir}


def compare() -> dict[str, tuple[float, float]]:
    """Return the milliseconds a pair takes, here and the published way, by metric and for all."""
    planes = pairs()
    images = [(255.0 * plane[0, 0]).round().double().numpy() for plane in planes.values()]
    works = {
        metric.acronym: (_own(planes, (metric,)), _theirs(images, metric)) for metric in STANDARD
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in [*works, "all ten"]}
    everything = _own(planes, STANDARD)
    everything()
    for _ in range(ROUNDS):
        for name, (own, theirs) in works.items():
            times[name].append((_milliseconds(own) / BATCH, _milliseconds(theirs)))
        theirs_all = sum(rows[-1][1] for name, rows in times.items() if name in works)
        times["all ten"].append((_milliseconds(everything) / BATCH, theirs_all))
    return {
        name: (statistics.median(r[0] for r in rows), statistics.median(r[1] for r in rows))
        for name, rows in times.items()
    }


def _own(planes: dict[str, torch.Tensor], metrics: tuple[Metric, ...]) -> Callable[[], object]:
    return lambda: score_all(**planes, metrics=metrics)


def _theirs(images: list[Image], metric: Metric) -> Callable[[], object]:
    return lambda: PUBLISHED[metric.acronym](*images)


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return 1000.0 * (time.perf_counter() - began)


def main() -> None:
    """Print milliseconds a pair of 480x640 takes, and how many times longer the published way."""
    threads = torch.get_num_threads()
    title = f"metrics, {SIZE[0]}x{SIZE[1]}, batch of {BATCH}, {threads} threads"
    print(f"{title:42s} {'ms':>8} {'published':>10} {'ratio':>7}")
    with torch.inference_mode():
        for name, (own, theirs) in compare().items():
            print(f"{name:42s} {own:8.2f} {theirs:10.2f} {theirs / own:7.1f}")


if __name__ == "__main__":
    main()
