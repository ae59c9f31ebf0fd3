"""Whether the two branches of a model agree, are sure, and use their prototypes."""

import torch
from torch import Tensor

from ssvif.evaluation.agreement import branch_agreement, co_occurrence
from ssvif.evaluation.candidates import Segmentations


def branch_confidence(scores: Tensor, *, temperature: float) -> float:
    """Return the mean probability of the most likely prototype.

    Args:
        scores: Cosines with the prototypes, (K, h, w).
        temperature: Of the softmax, as in training.

    Returns:
        In [1 / K, 1]; 1 / K is a guess.
    """
    return float((scores / temperature).softmax(0).amax(0).mean())


class BranchChecks:
    """Adds up a model's segmentations over pairs.

    Args:
        temperature: Of the softmax, as in training.
    """

    def __init__(self, temperature: float) -> None:
        self._temperature = temperature
        self._counts: list[Tensor] = []
        self._confidences: list[tuple[float, float]] = []

    def add(self, feature_level: Tensor, pixel_level: Tensor) -> None:
        """Take in one pair's cosines of both branches, each (K, h, w)."""
        found = Segmentations(feature_level.argmax(0), pixel_level.argmax(0), len(feature_level))
        self._counts.append(co_occurrence(found))
        feature, pixel = (
            branch_confidence(scores, temperature=self._temperature)
            for scores in (feature_level, pixel_level)
        )
        self._confidences.append((feature, pixel))

    def values(self) -> dict[str, float]:
        """Return the checks by name; none where nothing was added."""
        if not self._counts:
            return {}
        counts = torch.stack(self._counts).sum(0)
        agreement = branch_agreement(counts)
        feature, pixel = torch.tensor(self._confidences).mean(0).tolist()
        return {
            "branch_agreement": agreement.agreement_over_chance,
            "confidence_feature_level": feature,
            "confidence_pixel_level": pixel,
            "effective_prototypes": agreement.effective_prototypes_share * agreement.prototypes,
            "prototype_entropy_feature_level": _relative_entropy(counts.sum(1)),
            "prototype_entropy_pixel_level": _relative_entropy(counts.sum(0)),
        }


def _relative_entropy(counts: Tensor) -> float:
    """Return the entropy of prototypes' shares, over that of an even use of all."""
    shares = counts.double() / counts.sum()
    most = torch.tensor(float(len(counts)), dtype=torch.float64).log()
    return float(-torch.xlogy(shares, shares).sum() / most)
