"""FMI: mutual information of features, window by window.

Source: Haghighat et al. 2011, doi:10.1016/j.compeleceng.2011.07.012, in the variant "fast FMI"
(Haghighat and Razian 2014, doi:10.1109/ICAICT.2014.7036000): windows of 3x3, the joint
distribution from the marginal ones by Nelsen's mixture with a Frechet bound. The feature
`gradient` is the horizontal derivative, as in the authors' code.
Differs: the mixture's weight stays in [0, 1]; the authors' may leave it, and then the "joint
distribution" has negative places.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from ssvif.metrics.levels import grey_levels
from ssvif.metrics.metric import Convention

_WINDOW = 3
_CELLS = _WINDOW**2
_BLOCK = 32768
FMI_MIN_SIDE = _WINDOW


def feature_mutual_information_pixel(
    *, fused: Tensor, vis: Tensor, ir: Tensor, convention: Convention = "sound"
) -> Tensor:
    """Normalised mutual information of windows of grey levels, averaged (FMI_pixel).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1], H and W at least 3.
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.
        convention: `literature` leaves the mixture's weight unbounded.

    Returns:
        (B,) in [0, 1]; higher means that more of the sources' patterns is kept. The literature's
        convention may leave that range.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape, or are too small.
    """
    features = grey_levels(fused, vis, ir, min_side=FMI_MIN_SIDE)
    return _feature_mutual_information(*features, convention=convention)


def feature_mutual_information_gradient(
    *, fused: Tensor, vis: Tensor, ir: Tensor, convention: Convention = "sound"
) -> Tensor:
    """Normalised mutual information of windows of the horizontal derivative (FMI_gradient).

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1], H and W at least 3.
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.
        convention: `literature` leaves the mixture's weight unbounded.

    Returns:
        (B,) in [0, 1]; higher means that more of the sources' edges is kept. The literature's
        convention may leave that range.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape, or are too small.
    """
    levels = grey_levels(fused, vis, ir, min_side=FMI_MIN_SIDE)
    features = [torch.gradient(plane, dim=3)[0] for plane in levels]
    return _feature_mutual_information(*features, convention=convention)


def _feature_mutual_information(
    fused: Tensor, vis: Tensor, ir: Tensor, *, convention: Convention
) -> Tensor:
    windows = [_windows(plane.double()).split(_BLOCK, dim=2) for plane in (fused, vis, ir)]
    scores = []
    # A block after another: what a block needs stays in a processor's caches.
    for fused_block, *source_blocks in zip(*windows, strict=True):
        both = [_window_scores(fused_block, block, convention) for block in source_blocks]
        scores.append((both[0] + both[1]) / 2.0)
    return torch.cat(scores, dim=1).mean(1).to(torch.float32)


def _windows(feature: Tensor) -> Tensor:
    """Return every window of a plane (B, 1, H, W), down its columns: (9, B, N)."""
    # The authors' code runs down the columns; the cumulative distributions depend on it.
    return F.unfold(feature.mT, _WINDOW).transpose(0, 1)


def _window_scores(fused: Tensor, source: Tensor, convention: Convention) -> Tensor:
    """Return the normalised mutual information (B, N) of windows (9, B, N)."""
    first, second = _distribution(fused), _distribution(source)
    first_sum, second_sum = first.cumsum(0), second.cumsum(0)
    correlation = _correlation(first, second)
    rising = correlation >= 0.0
    bound = _bound_correlation(first, second, first_sum, second_sum, rising)
    usable = (correlation != 0.0) & (bound != 0.0)
    weight = torch.where(usable, correlation / torch.where(usable, bound, 1.0), 0.0)
    if convention == "sound":
        weight = weight.clamp(0.0, 1.0)
    # float32: 81 logarithms a window take most of the time.
    parts = (part.float() for part in (first, second, first_sum, second_sum, weight))
    joint = _joint_entropy(*parts, rising=rising)
    entropies = _entropy_terms(first).sum(0) + _entropy_terms(second).sum(0)
    score = 2.0 * (entropies - joint) / entropies.clamp(min=1e-12)
    if convention == "sound":
        score = score.clamp(0.0, 1.0)  # rounding may leave -1e-16
    return torch.where((fused == source).all(0), 1.0, score)


def _distribution(windows: Tensor) -> Tensor:
    """Stretch each window to [0, 1] and let it sum to 1; a flat one becomes uniform."""
    low, high = windows.amin(0), windows.amax(0)
    flat = low == high
    stretched = (windows - low) / torch.where(flat, 1.0, high - low)
    stretched = torch.where(flat, 1.0, stretched)
    return stretched / stretched.sum(0)


def _correlation(first: Tensor, second: Tensor) -> Tensor:
    """Return Pearson's correlation (B, N) of two distributions over the nine cells."""
    first, second = first - 1.0 / _CELLS, second - 1.0 / _CELLS
    scale = (first.square().sum(0) * second.square().sum(0)).sqrt()
    correlation = (first * second).sum(0) / scale.clamp(min=1e-12)
    # Flat windows, and those that cancel, are off zero by rounding only.
    return torch.where(correlation.abs() > 1e-12, correlation, 0.0)


def _bound_correlation(
    first: Tensor, second: Tensor, first_sum: Tensor, second_sum: Tensor, rising: Tensor
) -> Tensor:
    """Return the greatest (or, where not rising, least) correlation of the two cell numbers."""
    covariance = torch.zeros_like(first_sum[0])
    for row in first_sum:
        for column in second_sum:
            covariance += _frechet(row, column, rising) - row * column
    deviations = [_cell_deviation(distribution) for distribution in (first, second)]
    scale = deviations[0] * deviations[1]
    return torch.where(scale > 1e-9, covariance / scale.clamp(min=1e-9), 0.0)


def _cell_deviation(distribution: Tensor) -> Tensor:
    cells = torch.arange(1.0, _CELLS + 1.0, device=distribution.device, dtype=distribution.dtype)
    mean = torch.einsum("c,cbn->bn", cells, distribution)
    square = torch.einsum("c,cbn->bn", cells.square(), distribution)
    return (square - mean.square()).clamp(min=0.0).sqrt()


def _frechet(first: Tensor, second: Tensor, rising: Tensor) -> Tensor:
    """Return the upper Frechet bound of a joint distribution, or the lower where not rising."""
    return torch.where(rising, torch.minimum(first, second), (first + second - 1.0).clamp(min=0.0))


def _joint_entropy(
    first: Tensor,
    second: Tensor,
    first_sum: Tensor,
    second_sum: Tensor,
    weight: Tensor,
    *,
    rising: Tensor,
) -> Tensor:
    """Return the entropy (B, N), in bits, of the mixture of bound and independence."""
    entropy = torch.zeros_like(weight)
    above = [torch.zeros_like(weight) for _ in range(_CELLS + 1)]
    for row, row_sum in zip(first, first_sum, strict=True):
        corners = [torch.zeros_like(weight)]
        corners += [_frechet(row_sum, column_sum, rising) for column_sum in second_sum]
        for column in range(_CELLS):
            bound = corners[column + 1] - corners[column] - above[column + 1] + above[column]
            entropy += _entropy_terms(weight * bound + (1.0 - weight) * row * second[column])
        above = corners
    return entropy


def _entropy_terms(shares: Tensor) -> Tensor:
    """Return -p log2 |p|: the authors take the real part where a "share" is negative."""
    size = shares.abs()
    return -torch.where(size > 1e-15, shares * size.clamp(min=1e-15).log2(), 0.0)
