"""Writes a fusion network as ONNX files, and checks that they do as PyTorch does."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor, nn

from ssvif.data.images import UInt8Image, resize
from ssvif.errors import ModelError
from ssvif.files import atomic_folder
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.graph import FeatureGraph, FusedGraph, MachineGraph, halo_of
from ssvif.fuse.onnx_engine import OnnxEngine
from ssvif.fuse.places import FEATURES_NAME, FUSED_NAME, HALO_KEY, MACHINE_NAME, WEIGHTS_KEY
from ssvif.fuse.torch_engine import TorchEngine
from ssvif.fuse.views import FUSED, MACHINE
from ssvif.models.fusion import FusionNet
from ssvif.seeding import numpy_generator

# Grey levels that the two may differ by, and at which share of the pixels: they add up in another
# order, and what lies between two grey levels may go either way.
TOLERANCE = 1
TOLERATED_SHARE = 0.001

_OPSET = 18
_TRACED = (2, 96, 128)  # any batch and size will do
_CHECKED = ((120, 160), (97, 131))  # the second is no multiple of the stride


@dataclass(frozen=True)
class Agreement:
    """How near the ONNX files are to PyTorch.

    Args:
        levels: The most that a value of a pixel differs by, in grey levels.
        share: Of the values, those that differ at all.
    """

    levels: int
    share: float

    @property
    def sentence(self) -> str:
        """The same for people."""
        return f"{self.levels} grey levels from PyTorch at most, at {self.share:.4%} of the values"


def export_onnx(fusion: FusionNet, folder: Path, *, weights: str) -> Agreement:
    """Write a network for ONNX Runtime, any batch, height and width.

    Equal networks give equal bytes.

    Args:
        fusion: The network.
        folder: Where the files shall appear, whole or not at all.
        weights: SHA-256 of the weights file that the network comes from.

    Returns:
        How near they are to PyTorch, in both views and several sizes.

    Raises:
        ModelError: If a weight is not a number, or the files do otherwise than PyTorch.
        StorageError: If they cannot be written.
    """
    engine = TorchEngine(fusion)  # refuses weights that are not numbers
    fusion = fusion.cpu().eval()
    about = {HALO_KEY: str(halo_of(fusion)), WEIGHTS_KEY: weights}
    with atomic_folder(folder) as new:
        for name, graph, inputs in _parts(fusion):
            model = _exported(graph, inputs)
            onnx.helper.set_model_props(model, about)
            onnx.checker.check_model(model, full_check=True)
            (new / name).write_bytes(model.SerializeToString(deterministic=True))
        return _require_agreement(engine, OnnxEngine(new))


def _parts(fusion: FusionNet) -> list[tuple[str, nn.Module, dict[str, Tensor]]]:
    """Return file names, parts, and inputs by name to trace them with."""
    batch, height, width = _TRACED
    pair = {
        "vis": torch.zeros(batch, height, width, 3, dtype=torch.uint8),
        "ir": torch.zeros(batch, height, width, dtype=torch.uint8),
    }
    look = FeatureGraph(fusion).eval()
    rows = torch.ones(height)
    features, means = look(*pair.values(), rows)
    return [
        (FEATURES_NAME, look, {**pair, "rows": rows}),
        (FUSED_NAME, FusedGraph(fusion), {**pair, "features": features, "means": means}),
        (MACHINE_NAME, MachineGraph(fusion), {**pair, "means": means}),
    ]


def _exported(graph: nn.Module, inputs: dict[str, Tensor]) -> onnx.ModelProto:
    free = torch.export.Dim.DYNAMIC
    # Batch, height and width are free; of what is summed up, the batch alone.
    sizes = {
        "vis": {0: free, 1: free, 2: free},
        "ir": {0: free, 1: free, 2: free},
        "rows": {0: free},
        "features": {0: free, 2: free, 3: free},
        "means": {0: free},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's own deprecations
        program = torch.onnx.export(
            graph.eval(),
            tuple(inputs.values()),
            dynamo=True,
            verbose=False,
            opset_version=_OPSET,
            input_names=list(inputs),
            dynamic_shapes=tuple(sizes[name] for name in inputs),
        )
    if program is None:
        raise ModelError("the network could not be exported")
    return _without_traces(program.model_proto)


def _without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop what tells of the machine that exported it: stack traces and file names."""
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.input, model.graph):
        del part.metadata_props[:]
        part.doc_string = ""
    return model


def _require_agreement(reference: TorchEngine, engine: OnnxEngine) -> Agreement:
    differences = [
        difference
        for view in (FUSED, MACHINE)
        for height, width in _CHECKED
        for difference in _differences(
            [Fuser(each, view=view) for each in (reference, engine)], height, width
        )
    ]
    together = np.concatenate([difference.ravel() for difference in differences])
    found = Agreement(int(together.max()), float((together > 0).mean()))
    if found.levels > TOLERANCE or found.share > TOLERATED_SHARE:
        raise ModelError(
            f"the ONNX files are {found.sentence}; expected {TOLERANCE} at {TOLERATED_SHARE:.2%} "
            "at most; fuse with PyTorch (--engine torch)"
        )
    return found


def _differences(fusers: Sequence[Fuser], height: int, width: int) -> list[npt.NDArray[np.int64]]:
    vis, ir = zip(*(_pair(number, height, width) for number in range(2)), strict=True)
    first, second = (fuser.batch(vis, ir) for fuser in fusers)
    return [
        np.abs(one.astype(int) - other.astype(int))
        for one, other in zip(first, second, strict=True)
    ]


def _pair(number: int, height: int, width: int) -> tuple[UInt8Image, UInt8Image]:
    """Return a pair of soft blots with noise, of all brightnesses."""
    generator = numpy_generator(number, "export")
    blots = generator.integers(0, 256, (4, height // 16, width // 16), dtype=np.uint8)
    planes = [resize(blot, height=height, width=width) for blot in blots]
    noisy = np.stack(planes, axis=-1) + generator.normal(0.0, 8.0, (height, width, 4))
    pixels = noisy.clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(pixels[..., :3]), np.ascontiguousarray(pixels[..., 3])
