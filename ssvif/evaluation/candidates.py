"""What is compared: trained models, folders of fused images, plain arithmetic, single cameras.

A candidate turns a scene into one image. `fused` ones are scored by the fusion metrics; every
one can be probed. Those that are `live` fuse any scene, a folder only those it has files of.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ssvif.data.views import Pair
from ssvif.errors import ModelError
from ssvif.fuse.views import FUSED, View
from ssvif.models.fusion import FusionNet
from ssvif.models.machine import machine_view
from ssvif.models.network import SsvifModel
from ssvif.ops import luminance, with_chroma

# Of a manifest; pandas gives it keys of any kind.
Row = Mapping[str, object] | Mapping[Hashable, object]

_ALIGNMENT = 32  # the trunks' coarsest stride
_SEGMENTATION_STRIDE = 4
_WHITE = 255.0


@dataclass(frozen=True)
class Scene:
    """A pair ready to be fused.

    Args:
        id: The pair's id in the manifest.
        set: The set of captures it belongs to.
        name: Its name there.
        vis: Visible RGB, (1, 3, H, W) in [0, 1].
        ir: Infrared, (1, 1, H, W) in [0, 1].
    """

    id: str
    set: str
    name: str
    vis: Tensor
    ir: Tensor

    @classmethod
    def from_pair(cls, pair: Pair, row: Row, device: torch.device) -> "Scene":
        """Move a pair in memory to a device, as floats.

        Args:
            pair: The images.
            row: The manifest's id, set and name of it.
            device: Where to.
        """
        vis, ir = (plane.to(device).float()[None] / _WHITE for plane in (pair.vis, pair.ir))
        return cls(str(row["id"]), str(row["set"]), str(row["name"]), vis=vis, ir=ir)

    @property
    def vis_y(self) -> Tensor:
        """Visible luminance, (1, 1, H, W) in [0, 1]."""
        return luminance(self.vis)


class Candidate(Protocol):
    """Turns a scene into one image."""

    @property
    def name(self) -> str:
        """What it is called in tables."""

    @property
    def fused(self) -> bool:
        """Whether the image is a fusion, which the fusion metrics may score."""

    @property
    def live(self) -> bool:
        """Whether it takes any scene; a folder of files has its own only."""

    def fuse(self, scene: Scene) -> Tensor:
        """Return luminance (1, 1, H, W) or RGB (1, 3, H, W) in [0, 1], in steps of 1 / 255.

        Raises:
            ModelError: If a model's output is not a number somewhere.
            ImageError: If a folder has no fit image of the scene.
        """


@dataclass(frozen=True)
class FusionCandidate:
    """One view of a trained fusion network.

    Args:
        name: What it is called in tables.
        fusion: On the device of the scenes, in evaluation mode.
        view: `fused`, or `machine`, which no fusion metric scores.
    """

    name: str
    fusion: FusionNet
    view: View = FUSED
    live: bool = True

    @property
    def fused(self) -> bool:
        """Whether the view is a fusion."""
        return self.view == FUSED

    @torch.inference_mode()
    def fuse(self, scene: Scene) -> Tensor:
        """Return the fused luminance (1, 1, H, W), or the machine view (1, 3, H, W).

        Raises:
            ModelError: If it is not a number somewhere.
        """
        made = self.fusion(scene.vis_y, scene.ir)
        image: Tensor = made.fused_y
        if not self.fused:
            image = machine_view(vis=scene.vis, ir=scene.ir, recipe=made.recipe)
        return quantise(_require_finite(image, self.name))


@dataclass(frozen=True)
class ModelCandidate:
    """A whole model, whose two segmentations can be looked at, too.

    Args:
        name: What it is called in tables.
        model: On the device of the scenes, in evaluation mode.
    """

    name: str
    model: SsvifModel
    fused: bool = True
    live: bool = True

    @property
    def fusion(self) -> FusionNet:
        """The network that fuses."""
        return self.model.fusion

    def fuse(self, scene: Scene) -> Tensor:
        """Return the fused luminance (1, 1, H, W).

        Raises:
            ModelError: If the output is not a number somewhere.
        """
        return FusionCandidate(self.name, self.fusion).fuse(scene)


@dataclass(frozen=True)
class PlainCandidate:
    """An image that needs no training.

    Args:
        name: What it is called in tables.
        rule: Makes the image of a scene.
        fused: Whether that is a fusion.
    """

    name: str
    rule: Callable[[Scene], Tensor]
    fused: bool
    live: bool = True

    @torch.inference_mode()
    def fuse(self, scene: Scene) -> Tensor:
        """Return the image, (1, 1, H, W) or (1, 3, H, W)."""
        return quantise(self.rule(scene))


def _stack(scene: Scene) -> Tensor:
    return torch.cat([scene.ir, scene.vis_y, scene.vis[:, 2:]], dim=1)


def _redmax(scene: Scene) -> Tensor:
    red = torch.maximum(scene.vis[:, :1], scene.ir)
    return torch.cat([red, scene.vis[:, 1:]], dim=1)


MEAN = PlainCandidate("mean", lambda scene: (scene.vis_y + scene.ir) / 2.0, fused=True)
MAX = PlainCandidate("max", lambda scene: torch.maximum(scene.vis_y, scene.ir), fused=True)
VIS = PlainCandidate("vis", lambda scene: scene.vis, fused=False)
IR = PlainCandidate("ir", lambda scene: scene.ir, fused=False)
# False colour that keeps both sources: infrared, luminance and blue as red, green and blue.
STACK = PlainCandidate("stack", _stack, fused=False)
# The visible image, glowing red where infrared is brighter than its red.
REDMAX = PlainCandidate("redmax", _redmax, fused=False)

PLAIN: Mapping[str, PlainCandidate] = {
    candidate.name: candidate for candidate in (VIS, IR, MEAN, MAX, STACK, REDMAX)
}
BOTH = "both"  # two images at once, the ceiling of what a probe can get out of a pair


def quantise(image: Tensor) -> Tensor:
    """Round an image in [0, 1] to the 256 grey levels that files hold."""
    return (image.clamp(0.0, 1.0) * _WHITE).round() / _WHITE


def in_colour(candidate: Candidate, scene: Scene) -> Tensor:
    """Return a candidate's image as RGB (1, 3, H, W): what a probe or a person is shown.

    A grey fusion takes the visible image's chroma; infrared alone stays grey.
    """
    image = candidate.fuse(scene)
    if image.shape[1] == 3:
        return image
    if not candidate.fused:
        return image.expand(-1, 3, -1, -1)
    return quantise(with_chroma(image, scene.vis))


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
def branch_scores(scene: Scene, model: SsvifModel) -> tuple[Tensor, Tensor]:
    """Return the cosines of both branches, feature-level first, each (K, H / 4, W / 4)."""
    height, width = scene.ir.shape[-2:]
    border = (0, -width % _ALIGNMENT, 0, -height % _ALIGNMENT)
    vis, ir = (F.pad(plane, border, mode="replicate") for plane in (scene.vis, scene.ir))
    fused_y = model.fusion(luminance(vis), ir).fused_y
    scores = (model.feature_level(vis, ir), model.pixel_level(with_chroma(fused_y, vis)))
    rows, columns = -(-height // _SEGMENTATION_STRIDE), -(-width // _SEGMENTATION_STRIDE)
    feature_level, pixel_level = (score[0, :, :rows, :columns] for score in scores)
    return feature_level, pixel_level


def segment(scene: Scene, model: SsvifModel) -> Segmentations:
    """Segment a scene with both branches of a model."""
    feature_level, pixel_level = branch_scores(scene, model)
    return Segmentations(
        feature_level.argmax(0), pixel_level.argmax(0), prototypes=len(feature_level)
    )


def _require_finite(image: Tensor, model: str) -> Tensor:
    if not torch.isfinite(image).all():
        raise ModelError(
            f"{model}: the image has values that are not numbers; train it again, or use the model "
            "before it"
        )
    return image
