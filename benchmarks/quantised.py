"""`python -m benchmarks.quantised`: what 8-bit convolutions would gain, and cost in grey levels.

The package's ONNX files, quantised with ONNX Runtime's own tools (a scale a channel of the weights,
minima and maxima of activations on synthetic scenes), beside the float32 ones in one run.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from benchmarks.fusing import ROUNDS, SIZE, print_table, rounds
from ssvif.data.synthetic import render_pair
from ssvif.fuse.fuser import Fuser, _means
from ssvif.fuse.onnx_engine import OnnxEngine
from ssvif.fuse.places import FEATURES_NAME, FUSED_NAME, MACHINE_NAME, ONNX_NAME, PRETRAINED

SOURCE = PRETRAINED / ONNX_NAME
CALIBRATED = (240, 320)


class _Feeds(CalibrationDataReader):
    """Hands out one input after the other."""

    def __init__(self, feeds: Iterator[dict[str, np.ndarray]]) -> None:
        self._feeds = feeds

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Return the next input, or None after the last."""
        return next(self._feeds, None)


def feeds(name: str) -> Iterator[dict[str, np.ndarray]]:
    """Yield inputs of a part, from synthetic scenes."""
    engine = OnnxEngine(SOURCE)
    rows = np.ones(CALIBRATED[0], np.float32)
    for number in range(12):
        pair = render_pair(number, seed=3, height=CALIBRATED[0], width=CALIBRATED[1])
        both = {"vis": pair.vis[None], "ir": pair.ir[None]}
        features, sums = engine.features(both["vis"], both["ir"], rows)
        means = _means(sums.astype(np.float64), *CALIBRATED)
        more = {"rows": rows} if name == FEATURES_NAME else {"features": features, "means": means}
        yield {**both, **more}


def quantise(folder: Path) -> Fuser:
    """Write the quantised files, and return what fuses with them."""
    for name in (FEATURES_NAME, FUSED_NAME):
        quant_pre_process(SOURCE / name, folder / "prepared.onnx", skip_symbolic_shape=True)
        quantize_static(
            folder / "prepared.onnx",
            folder / name,
            _Feeds(feeds(name)),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            op_types_to_quantize=["Conv"],
        )
        model = onnx.load(folder / name)
        about = {entry.key: entry.value for entry in onnx.load(SOURCE / name).metadata_props}
        del model.metadata_props[:]
        onnx.helper.set_model_props(model, about)
        onnx.save(model, folder / name)
    (folder / MACHINE_NAME).write_bytes((SOURCE / MACHINE_NAME).read_bytes())
    return Fuser(OnnxEngine(folder))


def main() -> None:
    """Print times and differences."""
    whole = Fuser(OnnxEngine(SOURCE))
    with tempfile.TemporaryDirectory() as name:
        eight = quantise(Path(name))
        scenes = [render_pair(n, seed=9, height=SIZE[0], width=SIZE[1]) for n in range(6)]
        pair = scenes[0]
        works = {"float32": whole, "8 bits": eight}
        turns = {k: lambda fuser=fuser: fuser(pair.vis, pair.ir) for k, fuser in works.items()}
        print_table(rounds(turns, number=ROUNDS), "float32")
        both = [[fuser(s.vis, s.ir).astype(int) for s in scenes] for fuser in works.values()]
    difference = np.abs(np.array(both[0]) - np.array(both[1]))
    print(f"grey levels apart: mean {difference.mean():.2f}, at most {difference.max()}")


if __name__ == "__main__":
    main()
