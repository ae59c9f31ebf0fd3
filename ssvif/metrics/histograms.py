"""EN and MI: what grey-level histograms say.

Sources: EN, Roberts et al. 2008, doi:10.1117/1.2945910; MI, Qu et al. 2002,
doi:10.1049/el:20020212.
Differs: MI is in bits, as EN is; the common Python evaluators give it in nats.
"""

import torch
from torch import Tensor

from ssvif.metrics.levels import grey_levels

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


def mutual_information(*, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
    """Mutual information of the fused image with each source, summed (MI), in bits.

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Returns:
        (B,) in [0, 16]; higher means that more of the sources is kept.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape.
    """
    levels = grey_levels(fused, vis, ir)
    fused_levels, *sources = (plane.flatten(1).long() for plane in levels)
    fused_entropy = _entropy(fused_levels, _LEVELS)
    total = torch.zeros_like(fused_entropy)
    for source in sources:
        joint = _entropy(fused_levels * _LEVELS + source, _LEVELS**2)
        shared = fused_entropy + _entropy(source, _LEVELS) - joint
        total += shared.clamp(min=0.0)  # rounding may leave -1e-16
    return total.to(torch.float32)


def _entropy(symbols: Tensor, alphabet: int) -> Tensor:
    """Return the entropy (B,) in bits, float64, of symbols (B, N) in 0..alphabet - 1."""
    batch, count = symbols.shape
    offsets = alphabet * torch.arange(batch, device=symbols.device).unsqueeze(1)
    counts = torch.bincount((symbols + offsets).flatten(), minlength=batch * alphabet)
    shares = counts.view(batch, alphabet).double() / count
    return -torch.xlogy(shares, shares).sum(1) / torch.log(torch.tensor(2.0).double())
