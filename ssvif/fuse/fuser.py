"""Fuses arrays with a trained fusion network."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ssvif.data.images import UInt8Image
from ssvif.errors import ShapeError
from ssvif.files import sha256_file
from ssvif.fuse.places import WEIGHTS_NAME, model_in_use
from ssvif.fuse.views import FUSED, MACHINE, View
from ssvif.models.fusion import FusionNet, require_finite
from ssvif.models.machine import machine_view
from ssvif.models.weights import load_fusion
from ssvif.ops import luminance, with_chroma


class Fuser:
    """A fusion network behind arrays of bytes.

    Args:
        fusion: The network, in evaluation mode.
        view: For whom the images are.
        device: Where it runs.
        weights: SHA-256 of the file that the network comes from, or None.
    """

    def __init__(
        self,
        fusion: FusionNet,
        *,
        view: View = FUSED,
        device: torch.device | None = None,
        weights: str | None = None,
    ) -> None:
        self.weights = weights
        self.view = view
        self._device = device or torch.device("cpu")
        self._fusion = fusion.to(self._device).eval()

    @classmethod
    def load(
        cls,
        model: Path | None = None,
        *,
        view: View = FUSED,
        device: torch.device | None = None,
    ) -> "Fuser":
        """Read a fuser from a bundle's folder or a weights file.

        Args:
            model: A folder that holds `weights.safetensors`, or a safetensors file. None for the
                champion in the current folder, or the model that comes with the package.
            view: For whom the images are.
            device: Where to run; the CPU by default.

        Raises:
            ModelError: If there is no model, or it cannot be read.
        """
        model = model or model_in_use()
        weights = model / WEIGHTS_NAME if model.is_dir() else model
        fusion = load_fusion(weights)
        return cls(fusion, view=view, device=device, weights=sha256_file(weights))

    def __call__(self, vis: UInt8Image, ir: UInt8Image) -> UInt8Image:
        """Fuse one registered pair.

        Args:
            vis: Visible, (H, W, 3) RGB or (H, W) grey, uint8.
            ir: Infrared, (H, W), uint8.

        Returns:
            The image, uint8: the fused one of the shape of `vis`, the machine view (H, W, 3).

        Raises:
            ShapeError: If the arrays are of other shapes or types.
            ModelError: If the image is not a number somewhere.
        """
        _require_pair(vis, ir)
        with torch.inference_mode():
            image = require_finite(self._fuse(self._planes(vis), self._planes(ir)), "the model")
        levels = (image[0] * 255.0).round().to(torch.uint8)
        pixels: UInt8Image = levels.permute(1, 2, 0).cpu().numpy()
        return pixels if pixels.shape[-1] == 3 else pixels[..., 0]

    def _fuse(self, vis: Tensor, ir: Tensor) -> Tensor:
        fused = self._fusion(luminance(vis), ir)
        if self.view == MACHINE:
            return machine_view(vis=vis.expand(-1, 3, -1, -1), ir=ir, recipe=fused.recipe)
        return fused.fused_y if vis.shape[1] == 1 else with_chroma(fused.fused_y, vis)

    def _planes(self, image: UInt8Image) -> Tensor:
        """Turn (H, W) or (H, W, 3) bytes into (1, C, H, W) in [0, 1]."""
        stacked = image if image.ndim == 3 else image[..., None]
        # torch shares memory with the array, and takes none that is read-only.
        planes = torch.from_numpy(np.require(stacked, requirements=["C", "W"])).to(self._device)
        planes = planes.permute(2, 0, 1)[None].float() / 255.0
        return planes.contiguous(memory_format=torch.channels_last)


def _require_pair(vis: npt.NDArray[np.generic], ir: npt.NDArray[np.generic]) -> None:
    shaped = vis.ndim in (2, 3) and vis.shape[2:] in ((), (3,)) and ir.ndim == 2
    if not shaped or vis.dtype != np.uint8 or ir.dtype != np.uint8:
        raise ShapeError(
            f"expected vis (H, W, 3) or (H, W) and ir (H, W), both uint8, found vis {vis.shape} "
            f"{vis.dtype} and ir {ir.shape} {ir.dtype}"
        )
    if vis.shape[:2] != ir.shape:
        raise ShapeError(
            f"vis is {vis.shape[1]}x{vis.shape[0]}, ir is {ir.shape[1]}x{ir.shape[0]}; register "
            "the pair to one size first"
        )
