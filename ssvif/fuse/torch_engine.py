"""Runs the parts of the fusion network in PyTorch, on the CPU or a GPU."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ssvif.errors import ModelError
from ssvif.fuse.choices import Precision
from ssvif.fuse.engine import Bytes, Floats
from ssvif.fuse.graph import FeatureGraph, FusedGraph, MachineGraph, halo_of
from ssvif.models.fusion import FusionNet

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class TorchEngine:
    """The parts as PyTorch modules.

    Args:
        fusion: The network.
        device: Where it runs, such as `cpu` or `cuda`.
        precision: Of the convolutions; all else is float32.

    Raises:
        ModelError: If a weight is not a number, or PyTorch cannot use the device.
    """

    def __init__(
        self, fusion: FusionNet, *, device: str = "cpu", precision: Precision = "float32"
    ) -> None:
        _require_finite(fusion)
        self.halo = halo_of(fusion)
        self.precision: Precision = precision
        self.callers = 1
        self._device = _usable(device)
        self._features = self._placed(FeatureGraph(fusion), precision)
        self._fused = self._placed(FusedGraph(fusion), precision)
        self._machine = self._placed(MachineGraph(fusion), "float32")

    def for_many(self) -> "TorchEngine":
        """Return itself: PyTorch's threads are those of the whole process."""
        return self

    def features(self, vis: Bytes, ir: Bytes, rows: Floats) -> tuple[Tensor, Floats]:
        """See `Engine.features`."""
        with torch.inference_mode():
            features, sums = self._features(*self._sent(vis, ir, rows))
        return features, sums.cpu().numpy()

    def fused(self, vis: Bytes, ir: Bytes, features: Tensor, means: Floats) -> Bytes:
        """See `Engine.fused`."""
        with torch.inference_mode():
            vis_there, ir_there, means_there = self._sent(vis, ir, means)
            return _bytes(self._fused(vis_there, ir_there, features, means_there))

    def machine(self, vis: Bytes, ir: Bytes, means: Floats) -> Bytes:
        """See `Engine.machine`."""
        with torch.inference_mode():
            return _bytes(self._machine(*self._sent(vis, ir, means)))

    def _placed(self, graph: nn.Module, precision: Precision) -> nn.Module:
        for module in graph.modules():
            if isinstance(module, nn.Conv2d):
                module.to(memory_format=torch.channels_last, dtype=_DTYPES[precision])  # type: ignore[call-overload]  # the stubs know no memory format
        return graph.to(self._device).eval().requires_grad_(False)

    def _sent(self, *arrays: npt.NDArray[np.generic]) -> list[Tensor]:
        # torch shares memory with the arrays, and takes none that is read-only.
        writable = (np.require(array, requirements=["C", "W"]) for array in arrays)
        return [torch.from_numpy(array).to(self._device) for array in writable]


def _usable(device: str) -> torch.device:
    try:
        return torch.zeros(1, device=device).device
    except (AssertionError, RuntimeError) as error:  # the former where PyTorch is built without it
        first_line = str(error).splitlines()[0]
        raise ModelError(
            f"PyTorch cannot run on {device} here ({first_line}); expected cpu, or cuda where "
            "there is such a GPU"
        ) from error


def _bytes(image: Tensor) -> Bytes:
    pixels: Bytes = image.cpu().numpy()
    return pixels


def _require_finite(fusion: FusionNet) -> None:
    for name, values in fusion.state_dict().items():
        if not torch.isfinite(values).all():
            raise ModelError(
                f"the model's weights {name} have values that are not numbers; train it again, or "
                "use the model before it"
            )
