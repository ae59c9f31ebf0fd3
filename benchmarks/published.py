"""The standard metrics the way the Python evaluators that papers use compute them.

Written anew with numpy, scipy, scikit-image and scikit-learn, one image after another, as slowly
as they are: windows in two dimensions, histograms with edges, float64 throughout. Grey levels
0..255 as float arrays (H, W); ../docs/metrics.md says where the conventions come from.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.signal import convolve2d
from skimage.measure import shannon_entropy
from skimage.metrics import structural_similarity
from sklearn.metrics import mutual_info_score

Image = NDArray[np.float64]

_SOBEL_ACROSS = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=np.float64)
_SOBEL_DOWN = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]], dtype=np.float64)


def entropy(fused: Image, *_: Image) -> float:
    """EN, in bits."""
    return float(shannon_entropy(fused.astype(np.uint8)))


def standard_deviation(fused: Image, *_: Image) -> float:
    """SD."""
    return float(np.std(fused))


def spatial_frequency(fused: Image, *_: Image) -> float:
    """SF."""
    across, down = np.diff(fused, axis=1), np.diff(fused, axis=0)
    return float(np.sqrt(np.mean(across**2) + np.mean(down**2)))


def average_gradient(fused: Image, *_: Image) -> float:
    """AG, a mean over rows times columns."""
    down, across = np.gradient(fused)
    return float(np.mean(np.sqrt((across**2 + down**2) / 2)))


def mutual_information(fused: Image, vis: Image, ir: Image) -> float:
    """MI, in nats."""
    labels = fused.astype(int).ravel()
    return float(sum(mutual_info_score(labels, s.astype(int).ravel()) for s in (vis, ir)))


def visual_information_fidelity(fused: Image, vis: Image, ir: Image) -> float:
    """VIF, in the pixel domain."""
    return _vifp(vis, fused) + _vifp(ir, fused)


def qabf(fused: Image, vis: Image, ir: Image, *, literature: bool = True) -> float:
    """Qabf, with the strength for the ratio where strengths are equal; 1 outside the literature."""
    fused_strength, fused_angle = _edges(fused)
    kept = total = 0.0
    for source in (vis, ir):
        strength, angle = _edges(source)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(
                strength > fused_strength, fused_strength / strength, strength / fused_strength
            )
        equal = fused_strength if literature else np.ones_like(ratio)
        ratio = np.where(strength == fused_strength, equal, ratio)
        alike = 1 - np.abs(angle - fused_angle) / (np.pi / 2)
        by_strength = 0.9994 / (1 + np.exp(-15 * (ratio - 0.5)))
        by_angle = 0.9879 / (1 + np.exp(-22 * (alike - 0.8)))
        kept += (by_strength * by_angle * strength).sum()
        total += strength.sum()
    return float(kept / total)


def sum_of_correlations_of_differences(fused: Image, vis: Image, ir: Image) -> float:
    """SCD."""
    return _pearson(fused - vis, ir) + _pearson(fused - ir, vis)


def correlation_coefficient(fused: Image, vis: Image, ir: Image) -> float:
    """CC."""
    return (_pearson(fused, vis) + _pearson(fused, ir)) / 2


def summed_similarity(fused: Image, vis: Image, ir: Image) -> float:
    """SSIM as old scikit-image had it for floats: 7x7 windows, a data range of 2; the sum."""
    return float(sum(structural_similarity(fused, s, data_range=2) for s in (vis, ir)))


PUBLISHED: dict[str, Callable[[Image, Image, Image], float]] = {
    "EN": entropy,
    "SD": standard_deviation,
    "SF": spatial_frequency,
    "AG": average_gradient,
    "MI": mutual_information,
    "VIF": visual_information_fidelity,
    "Qabf": qabf,
    "SCD": sum_of_correlations_of_differences,
    "CC": correlation_coefficient,
    "SSIM": summed_similarity,
}


def _pearson(first: Image, second: Image) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def _edges(image: Image) -> tuple[Image, Image]:
    across = convolve2d(image, _SOBEL_ACROSS, mode="same")
    down = convolve2d(image, _SOBEL_DOWN, mode="same")
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = np.where(across == 0, np.pi / 2, np.arctan(down / across))
    return np.hypot(across, down), angle


def _vifp(reference: Image, image: Image) -> float:
    kept = present = 0.0
    for scale in range(1, 5):
        taps = 2 ** (5 - scale) + 1
        place = np.arange(taps) - (taps - 1) / 2
        window = np.exp(-(place[:, None] ** 2 + place**2) / (2 * (taps / 5) ** 2))
        window /= window.sum()
        if scale > 1:
            reference = convolve2d(reference, window, mode="valid")[::2, ::2]
            image = convolve2d(image, window, mode="valid")[::2, ::2]
        mean_1, mean_2 = (convolve2d(x, window, mode="valid") for x in (reference, image))
        variance_1 = convolve2d(reference**2, window, mode="valid") - mean_1**2
        variance_2 = convolve2d(image**2, window, mode="valid") - mean_2**2
        covariance = convolve2d(reference * image, window, mode="valid") - mean_1 * mean_2
        variance_1, variance_2 = np.maximum(variance_1, 0), np.maximum(variance_2, 0)
        gain = covariance / (variance_1 + 1e-10)
        noise = variance_2 - gain * covariance
        gain[variance_1 < 1e-10] = 0
        noise[variance_1 < 1e-10] = variance_2[variance_1 < 1e-10]
        variance_1[variance_1 < 1e-10] = 0
        gain[variance_2 < 1e-10] = 0
        noise[variance_2 < 1e-10] = 0
        noise[gain < 0] = variance_2[gain < 0]
        gain = np.maximum(gain, 0)
        noise = np.maximum(noise, 1e-10)
        kept += np.log10(1 + gain**2 * variance_1 / (noise + 2)).sum()
        present += np.log10(1 + variance_1 / 2).sum()
    return float(kept / present)
