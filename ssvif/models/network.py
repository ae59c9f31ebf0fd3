"""The whole model: the fusion network, the two branches, the shared prototypes."""

from typing import TypedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssvif.models.branches import FeatureBranch, PixelBranch, PyramidHead
from ssvif.models.fusion import FusionNet
from ssvif.models.trunk import Trunk, build_trunk
from ssvif.params import NetworkParams


class SsvifModel(nn.Module):
    """Fusion and the two segmentations that must agree.

    Args:
        fusion: Makes the fused luminance and the recipe of the machine view.
        feature_branch: Embeds both cameras' fused features.
        pixel_branch: Embeds one image, a fused one or a machine view.
        prototypes: Number K of prototypes, shared by the branches.
        embedding: Their length D.
    """

    def __init__(
        self,
        *,
        fusion: FusionNet,
        feature_branch: FeatureBranch,
        pixel_branch: PixelBranch,
        prototypes: int,
        embedding: int,
    ) -> None:
        super().__init__()
        self.fusion = fusion
        self.feature_branch = feature_branch
        self.pixel_branch = pixel_branch
        self.prototypes = nn.Parameter(torch.empty(prototypes, embedding))
        nn.init.orthogonal_(self.prototypes)
        self.normalize_prototypes()

    @torch.no_grad()
    def normalize_prototypes(self) -> None:
        """Put the prototypes back on the unit sphere; call it after each optimiser step."""
        self.prototypes.copy_(F.normalize(self.prototypes, dim=1))

    def free_norms(self) -> list[nn.BatchNorm2d]:
        """Return the branches' batch normalisations that are not frozen."""
        branches = (self.feature_branch, self.pixel_branch)
        frozen = {
            id(module)
            for branch in branches
            if branch.trunk.frozen_norm
            for module in branch.trunk.modules()
        }
        found = (module for branch in branches for module in branch.modules())
        return [
            each for each in found if isinstance(each, nn.BatchNorm2d) and id(each) not in frozen
        ]

    def scores(self, embedding: Tensor) -> Tensor:
        """Return cosines (B, K, h, w) in [-1, 1] of embeddings (B, D, h, w) and prototypes."""
        return torch.einsum("bdhw,kd->bkhw", embedding, self.prototypes)

    def feature_level(self, vis: Tensor, ir: Tensor) -> Tensor:
        """Segment both cameras: scores (B, K, H / 4, W / 4); the class is their argmax."""
        return self.scores(self.feature_branch(vis, ir))

    def pixel_level(self, image: Tensor) -> Tensor:
        """Segment one image (B, 3, H, W): scores (B, K, H / 4, W / 4)."""
        return self.scores(self.pixel_branch(image))


def build_fusion(params: NetworkParams) -> FusionNet:
    """Build the fusion network alone, which is all that fusing needs."""
    return FusionNet(channels=params.channels, blocks=params.blocks, residual=params.residual)


def build_model(params: NetworkParams, *, load_pretrained: bool = True) -> SsvifModel:
    """Build the whole model.

    Args:
        params: The network's parameters.
        load_pretrained: Give the trunks the weights that `params.pretrained` names; without,
            the caller loads weights of its own into every part.

    Raises:
        ParamsError: If the backbone or its weights cannot be had.
    """
    feature_branch = FeatureBranch(**_parts(params, load_pretrained))
    pixel_branch = PixelBranch(**_parts(params, load_pretrained))
    # Like heads on like trunks: the branches begin with something in common to agree on.
    feature_branch.head.load_state_dict(pixel_branch.head.state_dict())
    return SsvifModel(
        fusion=build_fusion(params),
        feature_branch=feature_branch,
        pixel_branch=pixel_branch,
        prototypes=params.prototypes,
        embedding=params.embedding,
    )


class _Parts(TypedDict):
    trunk: Trunk
    head: PyramidHead


def _parts(params: NetworkParams, load_pretrained: bool) -> _Parts:
    trunk = build_trunk(
        params.backbone,
        pretrained=params.pretrained if load_pretrained else False,
        frozen_norm=bool(params.pretrained),
    )
    return {
        "trunk": trunk,
        "head": PyramidHead(channels=trunk.channels, embedding=params.embedding),
    }
