"""The whole model: the fusion network, the two branches, the shared prototypes."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssvif.models.branches import FeatureAdapter, PyramidHead, SegmentationBranch
from ssvif.models.fusion import FEATURE_STRIDE, FusionNet
from ssvif.models.trunk import build_trunk
from ssvif.params import NetworkParams


class SsvifModel(nn.Module):
    """Fusion and the two segmentations that must agree.

    Args:
        fusion: Makes the fused luminance and the fused features.
        feature_branch: Embeds fused features.
        pixel_branch: Embeds the fused image.
        prototypes: Number K of prototypes, shared by the branches.
        embedding: Their length D.
    """

    def __init__(
        self,
        *,
        fusion: FusionNet,
        feature_branch: SegmentationBranch,
        pixel_branch: SegmentationBranch,
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

    def scores(self, embedding: Tensor) -> Tensor:
        """Return cosines (B, K, h, w) in [-1, 1] of embeddings (B, D, h, w) and prototypes."""
        return torch.einsum("bdhw,kd->bkhw", embedding, self.prototypes)

    def feature_level(self, features: Tensor) -> Tensor:
        """Segment fused features: scores (B, K, H / 4, W / 4); the class is their argmax."""
        return self.scores(self.feature_branch(features))

    def pixel_level(self, fused_rgb: Tensor) -> Tensor:
        """Segment the fused image (B, 3, H, W): scores (B, K, H / 4, W / 4)."""
        return self.scores(self.pixel_branch(fused_rgb))


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
    adapter = FeatureAdapter(channels=params.channels, stride=FEATURE_STRIDE)
    feature_branch = _build_branch(adapter, params, load_pretrained)
    pixel_branch = _build_branch(nn.Identity(), params, load_pretrained)
    # Like heads on like trunks: the branches begin with something in common to agree on.
    feature_branch.head.load_state_dict(pixel_branch.head.state_dict())
    return SsvifModel(
        fusion=build_fusion(params),
        feature_branch=feature_branch,
        pixel_branch=pixel_branch,
        prototypes=params.prototypes,
        embedding=params.embedding,
    )


def _build_branch(
    adapter: nn.Module, params: NetworkParams, load_pretrained: bool
) -> SegmentationBranch:
    trunk = build_trunk(
        params.backbone,
        pretrained=params.pretrained if load_pretrained else False,
        frozen_norm=bool(params.pretrained),
    )
    head = PyramidHead(channels=trunk.channels, embedding=params.embedding)
    return SegmentationBranch(adapter=adapter, trunk=trunk, head=head)
