"""Segments fused images with a model's pixel-level branch; needs torch and timm.

The classes are the model's prototypes: numbers without names, found without labels.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ssvif.data.images import UInt8Image
from ssvif.fuse.colour import as_rgb
from ssvif.fuse.places import WEIGHTS_NAME
from ssvif.models.network import SsvifModel
from ssvif.models.weights import load_model

_ALIGNMENT = 32  # of the trunks
_STRIDE = 4  # of the segmentation
_ROWS = 32  # of its scores, which are brought to full size at a time: all would take much memory
_WHITE = 255.0


class Segmenter:
    """A model's pixel-level branch behind arrays of bytes.

    Args:
        model: The whole model, in evaluation mode.
    """

    def __init__(self, model: SsvifModel) -> None:
        self.prototypes = len(model.prototypes)
        self._model = model

    @classmethod
    def load(cls, model: Path) -> "Segmenter":
        """Read a segmenter from a bundle's folder or a weights file.

        Raises:
            ModelError: If it cannot be read, or holds the fusion network alone.
        """
        return cls(load_model(model / WEIGHTS_NAME if model.is_dir() else model))

    def __call__(self, fused: UInt8Image) -> UInt8Image:
        """Segment a fused image, (H, W, 3) or (H, W): prototype numbers (H, W)."""
        height, width = fused.shape[:2]
        planes = (
            torch.from_numpy(np.ascontiguousarray(as_rgb(fused))).permute(2, 0, 1)[None] / _WHITE
        )
        border = (0, -width % _ALIGNMENT, 0, -height % _ALIGNMENT)
        with torch.inference_mode():
            scores = self._model.pixel_level(F.pad(planes, border, mode="replicate"))
            classes: UInt8Image = _classes(scores)[0, :height, :width].numpy()
        return classes


def _classes(scores: Tensor) -> Tensor:
    """Return the best class of each pixel, (B, s H, s W) uint8, of scores (B, K, H, W)."""
    found = []
    for top in range(0, scores.shape[2], _ROWS):
        # A row beyond on either side is what the outermost pixels are mixed of.
        above = min(top, 1)
        part = scores[:, :, top - above : top + _ROWS + 1]
        # Scores, not classes: edges between classes are smooth then.
        fine = F.interpolate(part, scale_factor=float(_STRIDE), mode="bilinear")
        own = fine[:, :, _STRIDE * above : _STRIDE * (above + _ROWS)]
        found.append(own.argmax(1).to(torch.uint8))
    return torch.cat(found, dim=1)
