"""How far the two segmentations agree, and whether they still use their prototypes.

Agreement alone rewards collapse: two branches with one class agree everywhere. Cohen's kappa
(Cohen 1960, doi:10.1177/001316446002000104) takes off what chance would give, and is 0 there.
"""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from ssvif.evaluation.candidates import Segmentations


@dataclass(frozen=True)
class BranchAgreement:
    """How the two branches of a model get on, over all positions of all pairs.

    Args:
        agreement: Share of positions with one prototype in both, in [0, 1].
        agreement_over_chance: Cohen's kappa, in [-1, 1]; 0 is chance.
        effective_prototypes_feature_level: exp(entropy) of the prototypes' shares, in [1, K].
        effective_prototypes_pixel_level: The same for the pixel-level branch.
        effective_prototypes_share: The lesser of the two, over K.
        prototypes: K.
    """

    agreement: float
    agreement_over_chance: float
    effective_prototypes_feature_level: float
    effective_prototypes_pixel_level: float
    effective_prototypes_share: float
    prototypes: int

    def as_dict(self) -> dict[str, float]:
        """Return the numbers by name, rounded for reports."""
        return {name: round(value, 6) for name, value in asdict(self).items()}


def co_occurrence(segmentations: Segmentations) -> Tensor:
    """Count positions (K, K) by feature-level (rows) and pixel-level prototype (columns)."""
    prototypes = segmentations.prototypes
    joint = segmentations.feature_level * prototypes + segmentations.pixel_level
    return torch.bincount(joint.flatten(), minlength=prototypes**2).view(prototypes, prototypes)


def branch_agreement(counts: Tensor) -> BranchAgreement:
    """Sum up co-occurrence counts (K, K) of at least one position."""
    shares = counts.double() / counts.sum()
    feature_level, pixel_level = shares.sum(1), shares.sum(0)
    agreement = shares.trace().item()
    chance = (feature_level * pixel_level).sum().item()
    effective = [_effective_number(level) for level in (feature_level, pixel_level)]
    return BranchAgreement(
        agreement=agreement,
        agreement_over_chance=(agreement - chance) / (1.0 - chance) if chance < 1.0 else 0.0,
        effective_prototypes_feature_level=effective[0],
        effective_prototypes_pixel_level=effective[1],
        effective_prototypes_share=min(effective) / len(counts),
        prototypes=len(counts),
    )


def _effective_number(shares: Tensor) -> float:
    return float(torch.exp(-torch.xlogy(shares, shares).sum()))
