"""Slow references of the less common metrics, window by window, from their definitions.

Grey levels 0..255 as float arrays (H, W). `literature` switches to what the MATLAB toolboxes
that papers use do otherwise; ../docs/metrics.md lists it.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import correlate
from scipy.signal import convolve2d

from benchmarks.published import Image

_SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=np.float64)


def artefacts(fused: Image, vis: Image, ir: Image, *, literature: bool = False) -> float:
    """Return Nabf."""
    return _made_up_and_lost(fused, vis, ir, literature=literature)[0]


def fusion_loss(fused: Image, vis: Image, ir: Image, *, literature: bool = False) -> float:
    """Return LabF."""
    return _made_up_and_lost(fused, vis, ir, literature=literature)[1]


def _made_up_and_lost(
    fused: Image, vis: Image, ir: Image, *, literature: bool = False
) -> tuple[float, float]:
    """Return Nabf and LabF, pixel by pixel."""
    mode = "wrap" if literature else "nearest"
    edges = [
        _petrovic_edges(x, mode, flat=0 if literature else np.pi / 2) for x in (fused, vis, ir)
    ]
    made_up = lost = total = 0.0
    for place in np.ndindex(fused.shape):
        (strength, angle), *sources = [(e[0][place], e[1][place]) for e in edges]
        missing = 0.0
        for other, other_angle in sources:
            weight = other**1.5 if other >= 2 else 0.001
            kept = _petrovic_kept(strength, other, angle - other_angle, literature=literature)
            missing += (1 - kept) * weight
            total += weight
        if all(strength > other for other, _ in sources):
            made_up += missing
        else:
            lost += missing
    return made_up / total, lost / total


def _petrovic_kept(first: float, second: float, turned: float, *, literature: bool) -> float:
    ratio = 0.0 if literature or first != second else 1.0
    if first > 0 and second > 0:
        ratio = min(first, second) / max(first, second)
    alike = abs(abs(turned) - np.pi / 2) * 2 / np.pi
    by_strength = 0.9999 / (1 + np.exp(-19 * (ratio - 0.5)))
    by_angle = 0.9995 / (1 + np.exp(-22 * (alike - 0.5)))
    return float(np.sqrt(by_strength * by_angle))


def _petrovic_edges(image: Image, mode: str, *, flat: float) -> tuple[Image, Image]:
    across, down = (correlate(image, kernel / 8, mode=mode) for kernel in (_SOBEL, _SOBEL.T))
    with np.errstate(divide="ignore", invalid="ignore"):
        angle = np.arctan(down / across)
    return np.hypot(across, down), np.where(np.isnan(angle), flat, angle)


def feature_mutual_information(
    fused: Image, vis: Image, ir: Image, *, gradient: bool, literature: bool = False
) -> float:
    """Return FMI over windows of 3x3, one window after another."""
    features = [np.gradient(image, axis=1) if gradient else image for image in (fused, vis, ir)]
    windows = [sliding_window_view(f, (3, 3)).swapaxes(2, 3).reshape(-1, 9) for f in features]
    scores = [
        _window_information(f, s, literature=literature)
        for source in windows[1:]
        for f, s in zip(windows[0], source, strict=True)
    ]
    return float(np.mean(scores))


def _window_information(first: Image, second: Image, *, literature: bool) -> float:
    if (first == second).all():
        return 1.0
    p, q = _as_shares(first), _as_shares(second)
    p_sum, q_sum = np.cumsum(p), np.cumsum(q)
    centred = (p - p.mean(), q - q.mean())
    correlation = 0.0
    if abs((centred[0] * centred[1]).sum()) > 1e-14:
        correlation = (centred[0] * centred[1]).sum() / np.sqrt(
            (centred[0] ** 2).sum() * (centred[1] ** 2).sum()
        )
    bound = np.minimum.outer(p_sum, q_sum)
    if correlation < 0:
        bound = np.maximum(np.add.outer(p_sum, q_sum) - 1, 0)
    cells = np.arange(1, 10)
    deviations = [np.sqrt((cells**2 * x).sum() - (cells * x).sum() ** 2) for x in (p, q)]
    weight = 0.0
    if correlation != 0 and min(deviations) > 1e-6:
        covariance = (bound - np.outer(p_sum, q_sum)).sum()
        weight = correlation / (covariance / (deviations[0] * deviations[1]))
    if not literature:
        weight = np.clip(weight, 0, 1)
    density = np.diff(np.diff(np.pad(bound, ((1, 0), (1, 0))), axis=0), axis=1)
    joint = weight * density + (1 - weight) * np.outer(p, q)
    entropies = _entropy(p) + _entropy(q)
    return 2 * (entropies - _entropy(joint)) / entropies if entropies > 0 else 0.0


def _as_shares(window: Image) -> Image:
    if window.max() == window.min():
        return np.full(9, 1 / 9)
    stretched = (window - window.min()) / (window.max() - window.min())
    return np.asarray(stretched / stretched.sum())


def _entropy(shares: Image) -> float:
    some = shares[np.abs(shares) > 1e-15]
    return float(-(some * np.log2(np.abs(some))).sum())


def universal_quality(fused: Image, vis: Image, ir: Image) -> float:
    """Return Q0."""
    return float(np.mean([_piella(fused, source)[0] for source in (vis, ir)]))


def weighted_fusion_quality(fused: Image, vis: Image, ir: Image) -> float:
    """Return Qw."""
    (with_vis, vis_saliency), (with_ir, ir_saliency) = (_piella(fused, s) for s in (vis, ir))
    total = vis_saliency + ir_saliency
    share = np.where(total > 0, vis_saliency / np.where(total > 0, total, 1), 0.5)
    weight = np.maximum(vis_saliency, ir_saliency)
    return float((weight * (share * with_vis + (1 - share) * with_ir)).sum() / weight.sum())


def edge_fusion_quality(fused: Image, vis: Image, ir: Image) -> float:
    """Return Qe."""
    edges = [
        np.hypot(correlate(x, _SOBEL, mode="nearest"), correlate(x, _SOBEL.T, mode="nearest"))
        for x in (fused, vis, ir)
    ]
    return weighted_fusion_quality(fused, vis, ir) * weighted_fusion_quality(*edges)


def _piella(fused: Image, source: Image) -> tuple[Image, Image]:
    f, s = (sliding_window_view(x, (8, 8)) for x in (fused, source))
    means = [x.mean((2, 3)) for x in (f, s)]
    variances = [np.where(x.var((2, 3)) > 1e-9, x.var((2, 3)), 0) for x in (f, s)]
    covariance = (f * s).mean((2, 3)) - means[0] * means[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        structure = 2 * covariance / (variances[0] + variances[1])
        luminance = 2 * means[0] * means[1] / (means[0] ** 2 + means[1] ** 2)
    return np.nan_to_num(structure, nan=1) * np.nan_to_num(luminance, nan=1), variances[1]


def perceived_difference(fused: Image, vis: Image, ir: Image, *, literature: bool = False) -> float:
    """Return Qcv, region by region."""
    images = [_stretch(x) if literature else x for x in (fused, vis, ir)]
    frequency = _frequencies(fused.shape, 1 / 8)
    sensitivity = 2.6 * (0.0192 + 0.144 * frequency) * np.exp(-((0.144 * frequency) ** 1.1))
    error = total = 0.0
    for source in images[1:]:
        mode = "constant" if literature else "nearest"
        strength = np.hypot(
            correlate(source, _SOBEL, mode=mode), correlate(source, _SOBEL.T, mode=mode)
        )
        seen = _filter(source - images[0], sensitivity)
        for top in range(0, fused.shape[0], 16):
            for left in range(0, fused.shape[1], 16):
                region = np.s_[top : top + 16, left : left + 16]
                saliency = (strength[region] ** 5).sum()
                error += saliency * (seen[region] ** 2).sum() / 256
                total += saliency
    return error / total


def contrast_preservation(
    fused: Image, vis: Image, ir: Image, *, literature: bool = False
) -> float:
    """Return Qcb, with windows of 31x31 in two dimensions."""
    contrasts = [_masked_contrast(x, literature=literature) for x in (fused, vis, ir)]
    kept = []
    for source in contrasts[1:]:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.minimum(source, contrasts[0]) / np.maximum(source, contrasts[0])
        kept.append(np.nan_to_num(ratio, nan=1))
    with np.errstate(invalid="ignore"):
        share = contrasts[1] ** 2 / (contrasts[1] ** 2 + contrasts[2] ** 2)
    share = np.nan_to_num(share, nan=0.5)
    return float((share * kept[0] + (1 - share) * kept[1]).mean())


def _masked_contrast(image: Image, *, literature: bool) -> Image:
    image = _stretch(image) if literature else image
    frequency = _frequencies(image.shape, 1 / 30)
    gain = np.exp(-((frequency / 15.387) ** 2)) - 0.7622 * np.exp(-((frequency / 1.3456) ** 2))
    padded = np.pad(_filter(image, gain), 15, mode="constant" if literature else "edge")
    place = np.arange(-15, 16)
    smoothed = []
    for sigma in (2, 4):
        window = np.exp(-(place[:, None] ** 2 + place**2) / (2 * sigma**2)) / (2 * np.pi * sigma**2)
        smoothed.append(
            convolve2d(padded, window if literature else window / window.sum(), mode="valid")
        )
    contrast = np.abs(smoothed[0] / smoothed[1] - 1)
    return np.asarray(contrast**3 / (contrast**2 + 1e-4))


def _strength(image: Image, *, mode: str) -> Image:
    across, down = (correlate(image, kernel, mode=mode) for kernel in (_SOBEL, _SOBEL.T))
    return np.asarray(np.hypot(across, down))


def _stretch(image: Image) -> Image:
    return np.asarray(np.round((image - image.min()) / (image.max() - image.min()) * 255))


def _frequencies(shape: tuple[int, ...], cycles: float) -> Image:
    rows, columns = (2 * cycles * n * np.fft.fftshift(np.fft.fftfreq(n)) for n in shape)
    return np.hypot(rows[:, None], columns[None, :])


def _filter(image: Image, gain: Image) -> Image:
    spectrum = np.fft.fftshift(np.fft.fft2(image)) * gain
    return np.asarray(np.fft.ifft2(np.fft.ifftshift(spectrum)).real)
