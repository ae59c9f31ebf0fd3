"""The two models that are compared, as candidates that fuse scenes."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ssvif.errors import ModelError
from ssvif.evaluation.candidates import Scene, quantise
from ssvif.models.fusion import FusionNet
from ssvif.models.weights import load_fusion

CHAMPION, CHALLENGER = "champion", "challenger"
_MEGA = 1e6


@dataclass(frozen=True)
class GatedModel:
    """A fusion network alone: what is compared is what `ssvif fuse` would make.

    Args:
        name: `champion` or `challenger`.
        fusion: In evaluation mode.
    """

    name: str
    fusion: FusionNet
    fused: bool = True
    live: bool = True

    @classmethod
    def load(cls, name: str, weights: Path, *, device: torch.device) -> "GatedModel":
        """Read the fusion network of a weights file.

        Raises:
            ModelError: If the file is missing, damaged, or of another format.
        """
        return cls(name, load_fusion(weights).to(device))

    @property
    def megabytes(self) -> float:
        """The size of the network's weights, in 10^6 bytes."""
        weights = self.fusion.parameters()
        return round(sum(each.numel() * each.element_size() for each in weights) / _MEGA, 6)

    @torch.inference_mode()
    def raw(self, scene: Scene) -> Tensor:
        """Return the fused luminance (1, 1, H, W) as the network makes it."""
        fused: Tensor = self.fusion(scene.vis_y, scene.ir).fused_y
        return fused

    def fuse(self, scene: Scene) -> Tensor:
        """Return the fused luminance (1, 1, H, W) in [0, 1], in steps of 1 / 255.

        Raises:
            ModelError: If the output is not a number somewhere.
        """
        fused = self.raw(scene)
        if not torch.isfinite(fused).all():
            raise ModelError(
                f"{self.name}: fuses {scene.set}/{scene.name} to values that are not numbers; "
                "train it again"
            )
        return quantise(fused)


def same_work(first: FusionNet, second: FusionNet) -> bool:
    """Whether two networks do the same computations, whatever their weights are."""
    shapes = ([(name, p.shape) for name, p in net.named_parameters()] for net in (first, second))
    one, other = shapes
    return one == other
