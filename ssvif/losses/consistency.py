"""Cross-segmentation consistency: a branch predicts assignments made from another view.

Source: swapped prediction and Sinkhorn assignment of SwAV (Caron et al. 2020,
arXiv:2006.09882, eq. 2 to 5), applied to the positions of two segmentation branches.
Differs: the two views are two crops of one scene, read by two branches, not two augmentations
of one image; assignments go one way, from the feature level; scores are shifted by their
maximum before exp.
"""

import torch
from torch import Tensor

from ssvif.errors import ShapeError

# The least mass of a row or a column, so that an empty one divides to zero.
_TINY = 1.0e-30


@torch.no_grad()
def sinkhorn_assignments(scores: Tensor, *, epsilon: float, iterations: int) -> Tensor:
    """Assign positions to prototypes so that every prototype gets an equal share.

    Args:
        scores: Cosines of positions and prototypes, (N, K).
        epsilon: Entropy of the assignment: smaller is harder.
        iterations: Rounds of normalising columns and rows; with none, rows alone, which balances
            nothing.

    Returns:
        (N, K) in float32; each row sums to one, each column to about N / K after a few rounds.
        No gradient.

    Raises:
        ShapeError: If the scores are not (N, K) with N of at least one.
    """
    if scores.dim() != 2 or scores.shape[0] == 0:
        raise ShapeError(f"expected scores (N, K) with N >= 1, found {tuple(scores.shape)}")
    positions, prototypes = scores.shape
    # fp32 and a shift: exp(1 / 0.05) overflows fp16.
    logits = scores.float() / epsilon
    plan = torch.exp(logits - logits.max())
    for _ in range(iterations):
        plan = plan / plan.sum(dim=0, keepdim=True).clamp_min(_TINY) / prototypes
        plan = plan / plan.sum(dim=1, keepdim=True).clamp_min(_TINY) / positions
    return plan / plan.sum(dim=1, keepdim=True).clamp_min(_TINY)


def swapped_prediction_loss(scores: Tensor, assignments: Tensor, *, temperature: float) -> Tensor:
    """Return the cross entropy of a branch's scores and assignments of another view, in nats.

    Args:
        scores: Cosines (N, K) of the branch that predicts.
        assignments: Targets (N, K) of the other view; no gradient flows into them.
        temperature: Softmax temperature of the prediction.
    """
    log_prediction = torch.log_softmax(scores.float() / temperature, dim=1)
    return -(assignments.detach() * log_prediction).sum(dim=1).mean()


def effective_prototypes(assignments: Tensor) -> Tensor:
    """Return the exponential of the mean assignment's entropy, a scalar in [1, K].

    K means that all prototypes are used equally, 1 that the segmentation has collapsed.
    """
    usage = assignments.mean(dim=0)
    entropy = -(usage * usage.clamp_min(_TINY).log()).sum()
    return entropy.exp()
