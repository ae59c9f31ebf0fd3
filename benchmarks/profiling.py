"""`python -m benchmarks.profiling`: where fusing's time goes, and how near to the limits it is.

By ONNX Runtime's own profile of the package's model on one 480x640 pair; the limits are measured
beside it: a product of matrices for arithmetic, a copy of a large array for memory.
"""

import json
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from benchmarks.fusing import SIZE
from ssvif.data.synthetic import render_pair
from ssvif.fuse.fuser import _means
from ssvif.fuse.onnx_engine import OnnxEngine
from ssvif.fuse.places import FEATURES_NAME, FUSED_NAME, ONNX_NAME, PRETRAINED

FOLDER = PRETRAINED / ONNX_NAME
RUNS = 40


def feeds() -> dict[str, dict[str, np.ndarray]]:
    """Return the inputs of both parts, by file name."""
    pair = render_pair(0, seed=0, height=SIZE[0], width=SIZE[1])
    both = {"vis": pair.vis[None], "ir": pair.ir[None]}
    rows = np.ones(SIZE[0], np.float32)
    features, sums = OnnxEngine(FOLDER).features(both["vis"], both["ir"], rows)
    means = _means(sums.astype(np.float64), *SIZE)
    return {
        FEATURES_NAME: {**both, "rows": rows},
        FUSED_NAME: {**both, "features": features, "means": means},
    }


def profile(name: str, feed: dict[str, np.ndarray]) -> Counter[str]:
    """Return the milliseconds a run takes, by operator."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(FOLDER / name, options)
        for _ in range(RUNS):
            session.run(None, feed)
        events = json.loads(Path(session.end_profiling()).read_text())
    spent: Counter[str] = Counter()
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("kernel_time"):
            spent[event["args"]["op_name"]] += event["dur"] / (1000.0 * RUNS)
    return spent


def multiplications() -> float:
    """Return the multiplications and additions of both parts' convolutions, in 1e9."""
    total = 0.0
    sides = {"stem": 2, "fine": 2, "down": 4, "coarse": 4, "up": 4, "merge": 2, "head": 2}
    for name in (FEATURES_NAME, FUSED_NAME):
        for weights in onnx.load(FOLDER / name).graph.initializer:
            layer = weights.name.split(".")[0]
            if weights.name.endswith("weight") and len(weights.dims) == 4:
                places = SIZE[0] * SIZE[1] / sides[layer] ** 2
                total += places * float(np.prod(weights.dims))
    return total / 1.0e9


def limits() -> tuple[float, float]:
    """Return what the machine can do: 1e9 operations a second, and 1e9 bytes a second."""
    matrix = torch.rand(2048, 2048)
    array, target = torch.rand(64_000_000), torch.zeros(64_000_000)
    best = {"mm": float("inf"), "copy": float("inf")}
    for _ in range(5):
        for name, work in (("mm", lambda: matrix @ matrix), ("copy", lambda: target.copy_(array))):
            began = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - began)
    return 2.0 * 2048**3 / best["mm"] / 1.0e9, 2.0 * array.nbytes / best["copy"] / 1.0e9


def main() -> None:
    """Print both profiles and the limits."""
    spent: Counter[str] = Counter()
    for name, feed in feeds().items():
        found = profile(name, feed)
        spent += found
        listed = ", ".join(f"{operator} {ms:.2f}" for operator, ms in found.most_common(7))
        print(f"{name}: {sum(found.values()):.1f} ms: {listed}")
    arithmetic, bandwidth = limits()
    billions = multiplications()
    rate = 2.0 * billions / (spent["Conv"] / 1000.0)
    print(
        f"convolutions: {billions:.2f}e9 multiplications in {spent['Conv']:.1f} ms, {rate:.0f}e9/s"
    )
    print(
        f"the machine: {arithmetic:.0f}e9 operations/s (matrices), {bandwidth:.0f}e9 bytes/s (copy)"
    )


if __name__ == "__main__":
    main()
