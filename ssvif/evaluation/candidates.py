"""What is compared: the trained models and the plain mean and maximum of the sources."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ssvif.data.views import Pair
from ssvif.errors import ModelError
from ssvif.models.network import SsvifModel
from ssvif.ops import luminance, with_chroma

Stage = Literal["stage_one", "stage_two"]
STAGES: tuple[Stage, ...] = ("stage_one", "stage_two")
CANDIDATES = (*STAGES, "mean", "max")

Models = Mapping[Stage, SsvifModel]

_ALIGNMENT = 32  # the trunks' coarsest stride
_SEGMENTATION_STRIDE = 4
_WHITE = 255.0


@dataclass(frozen=True)
class Scene:
    """A pair ready to be fused.

    Args:
        vis: Visible RGB, (1, 3, H, W) in [0, 1].
        ir: Infrared, (1, 1, H, W) in [0, 1].
    """

    vis: Tensor
    ir: Tensor

    @classmethod
    def from_pair(cls, pair: Pair, device: torch.device) -> "Scene":
        """Move a pair in memory to a device, as floats."""
        vis, ir = (plane.to(device).float()[None] / _WHITE for plane in (pair.vis, pair.ir))
        return cls(vis=vis, ir=ir)

    @property
    def vis_y(self) -> Tensor:
        """Visible luminance, (1, 1, H, W) in [0, 1]."""
        return luminance(self.vis)


@dataclass(frozen=True)
class Segmentations:
    """Both segmentations of a scene, as prototype numbers.

    Args:
        feature_level: (H / 4, W / 4), from the fused features.
        pixel_level: (H / 4, W / 4), from the fused image alone.
        prototypes: How many prototypes K there are.
    """

    feature_level: Tensor
    pixel_level: Tensor
    prototypes: int


@torch.inference_mode()
def fuse_candidates(scene: Scene, models: Models) -> dict[str, Tensor]:
    """Fuse a scene with every candidate.

    Returns:
        Fused luminance (1, 1, H, W) in [0, 1] by candidate, in steps of 1 / 255 as files hold it.

    Raises:
        ModelError: If a model's output is not a number somewhere.
    """
    vis_y, ir = scene.vis_y, scene.ir
    fused = {stage: models[stage].fusion(vis_y, ir)[0] for stage in STAGES}
    for stage, plane in fused.items():
        if not torch.isfinite(plane).all():
            raise ModelError(
                f"{stage}: the fused image has values that are not numbers; train it again"
            )
    planes = (*fused.values(), (vis_y + ir) / 2.0, torch.maximum(vis_y, ir))
    quantised = [(plane * _WHITE).round() / _WHITE for plane in planes]
    return dict(zip(CANDIDATES, quantised, strict=True))


@torch.inference_mode()
def segment(scene: Scene, model: SsvifModel) -> Segmentations:
    """Segment a scene with both branches of a model."""
    height, width = scene.ir.shape[-2:]
    border = (0, -width % _ALIGNMENT, 0, -height % _ALIGNMENT)
    vis, ir = (F.pad(plane, border, mode="replicate") for plane in (scene.vis, scene.ir))
    fused_y, features = model.fusion(luminance(vis), ir)
    scores = (model.feature_level(features), model.pixel_level(with_chroma(fused_y, vis)))
    rows, columns = -(-height // _SEGMENTATION_STRIDE), -(-width // _SEGMENTATION_STRIDE)
    feature_level, pixel_level = (s[0].argmax(0)[:rows, :columns] for s in scores)
    return Segmentations(feature_level, pixel_level, prototypes=scores[0].shape[1])
