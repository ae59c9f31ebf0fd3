"""EN, MI and NMI: what grey-level histograms say.

Sources: EN, Roberts et al. 2008, doi:10.1117/1.2945910; MI, Qu et al. 2002,
doi:10.1049/el:20020212; NMI, Hossny et al. 2008, doi:10.1049/el:20081754.
Differs: MI is in bits, as EN is; the common Python evaluators give it in nats.
"""

import math

import torch
from torch import Tensor

from ssvif.metrics.levels import grey_levels
from ssvif.metrics.metric import Convention

_LEVELS = 256


def entropy(*, fused: Tensor) -> Tensor:
    """Entropy of the grey-level histogram (EN), in bits.

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].

    Returns:
        (B,) in [0, 8]; higher means more information.

    Raises:
        ShapeError: If fused is not (B, 1, H, W).
    """
    (levels,) = grey_levels(fused)
    return _entropy(levels.flatten(1).long(), _LEVELS).to(torch.float32)


def mutual_information(
    *, fused: Tensor, vis: Tensor, ir: Tensor, convention: Convention = "sound"
) -> Tensor:
    """Mutual information of the fused image with each source, summed (MI), in bits.

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.
        convention: `literature` gives nats.

    Returns:
        (B,) in [0, 16]; higher means that more of the sources is kept.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape.
    """
    shared, _ = _shared_information(fused, vis, ir)
    unit = math.log(2.0) if convention == "literature" else 1.0
    return (unit * shared.sum(0)).to(torch.float32)


def normalised_mutual_information(*, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """Mutual information over the mean of both entropies, summed over the sources (NMI).

    Two constant images share all there is and count as 1.

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Returns:
        (B,) in [0, 2]; higher means that more of the sources is kept.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape.
    """
    shared, mean_entropy = _shared_information(fused, vis, ir)
    share = torch.where(mean_entropy > 0.0, shared / mean_entropy, 1.0)
    return share.sum(0).to(torch.float32)


def _shared_information(fused: Tensor, vis: Tensor, ir: Tensor) -> tuple[Tensor, Tensor]:
    """Return the information shared with vis and ir, and the mean entropies, each (2, B), bits."""
    levels = grey_levels(fused, vis, ir)
    fused_levels, *sources = (plane.flatten(1).long() for plane in levels)
    fused_entropy = _entropy(fused_levels, _LEVELS)
    entropies = torch.stack([_entropy(source, _LEVELS) for source in sources])
    joint = torch.stack(
        [_entropy(fused_levels * _LEVELS + source, _LEVELS**2) for source in sources]
    )
    shared = (fused_entropy + entropies - joint).clamp(min=0.0)  # rounding may leave -1e-16
    return shared, (fused_entropy + entropies) / 2.0


def _entropy(symbols: Tensor, alphabet: int) -> Tensor:
    """Return the entropy (B,) in bits, float64, of symbols (B, N) in 0..alphabet - 1."""
    batch, count = symbols.shape
    offsets = alphabet * torch.arange(batch, device=symbols.device).unsqueeze(1)
    counts = torch.bincount((symbols + offsets).flatten(), minlength=batch * alphabet)
    shares = counts.view(batch, alphabet).double() / count
    return (-torch.xlogy(shares, shares)).sum(1).abs() / math.log(2.0)  # abs: never -0.0
