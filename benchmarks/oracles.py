"""`python -m benchmarks.oracles`: every metric beside an independent implementation.

A synthetic scene, fused in three ways; tests/metrics/test_oracles.py holds the same comparisons
to their tolerances.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from scipy.ndimage import uniform_filter
from sewar import vifp
from skimage.measure import shannon_entropy
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity
from sklearn.metrics import mutual_info_score, normalized_mutual_info_score

from benchmarks import references
from benchmarks.published import PUBLISHED, Image, qabf
from ssvif.data.synthetic import render_pair
from ssvif.metrics.metric import Convention
from ssvif.metrics.table import METRICS
from ssvif.models.torchvision_ops import define_missing_operators
from ssvif.ops import luminance

SIZE = (176, 192)
SMALL = (48, 56)
FUSINGS = ("mean", "max", "sharp")

Score = Callable[[Image, Image, Image], float]
Similarity = Callable[[Image, Image], float]


@dataclass(frozen=True)
class Oracle:
    """An independent value of a metric.

    Args:
        acronym: A row of METRICS.
        by: Who computes it.
        value: Takes fused, vis and ir as grey levels 0..255, float64 (H, W).
        convention: Which one it follows.
        size: Size of the scene; small where the oracle is slow.
        tolerance: Greatest difference, as a share of the value.
    """

    acronym: str
    by: str
    value: Score
    convention: Convention = "sound"
    size: tuple[int, int] = SIZE
    tolerance: float = 1e-5

    def compare(self, fusing: str) -> tuple[float, float]:
        """Return this project's score of a scene fused in one of FUSINGS, and the oracle's."""
        planes = scene(fusing, self.size)
        (metric,) = (metric for metric in METRICS if metric.acronym == self.acronym)
        tensors = {n: torch.from_numpy(p / 255.0)[None, None] for n, p in planes.items()}
        score = metric.score(**tensors, convention=self.convention).item()
        return score, float(self.value(*planes.values()))


def scene(fusing: str, size: tuple[int, int]) -> dict[str, Image]:
    """Return the grey levels of fused, vis and ir, with edges, texture, noise and flat places."""
    pair = render_pair(3, seed=0, height=SIZE[0], width=SIZE[1])
    colour = torch.from_numpy(pair.vis).permute(2, 0, 1)[None].double()
    vis = luminance(colour)[0, 0].round().numpy()[: size[0], -size[1] :]
    ir = pair.ir[: size[0], -size[1] :].astype(np.float64)
    mean = np.round((vis + ir) / 2)
    sharp = np.clip(np.round(2 * mean - uniform_filter(mean, 5)), 0, 255)
    fused = {"mean": mean, "max": np.maximum(vis, ir), "sharp": sharp}[fusing]
    return {"fused": fused, "vis": vis, "ir": ir}


def _sum(similarity: Similarity) -> Score:
    return lambda fused, vis, ir: similarity(vis, fused) + similarity(ir, fused)


def _mean(similarity: Similarity) -> Score:
    return lambda fused, vis, ir: (similarity(vis, fused) + similarity(ir, fused)) / 2


def _on_labels(similarity: Callable[[Image, Image], float]) -> Similarity:
    return lambda a, b: similarity(a.astype(int).ravel(), b.astype(int).ravel())


def _piq_ms_ssim(first: Image, second: Image) -> float:
    define_missing_operators()
    import piq

    planes = (torch.from_numpy(x)[None, None] for x in (first, second))
    return float(piq.multi_scale_ssim(*planes, data_range=255.0))


def _piq_ssim(first: Image, second: Image) -> float:
    define_missing_operators()
    import piq

    planes = (torch.from_numpy(x)[None, None] for x in (first, second))
    return float(piq.ssim(*planes, data_range=255.0, downsample=False))


def _psnr(fused: Image, vis: Image, ir: Image) -> float:
    # One pair of images whose squared error is the mean over both sources.
    both, twice = np.stack([vis, ir]), np.stack([fused, fused])
    return float(peak_signal_noise_ratio(both, twice, data_range=255))


def _published_psnr(fused: Image, vis: Image, ir: Image) -> float:
    error = (np.mean((vis - fused) ** 2) + np.mean((ir - fused) ** 2)) / 2
    return float(10 * np.log10(fused.max() ** 2 / error))


_SSIM = partial(
    structural_similarity,
    data_range=255,
    gaussian_weights=True,
    sigma=1.5,
    use_sample_covariance=False,
)
_FMI = {
    "pixel": partial(references.feature_mutual_information, gradient=False),
    "gradient": partial(references.feature_mutual_information, gradient=True),
}

ORACLES = (
    Oracle("EN", "scikit-image", lambda fused, *_: shannon_entropy(fused)),
    *(Oracle(name, "numpy", PUBLISHED[name]) for name in ("SD", "SF", "AG", "SCD", "CC")),
    Oracle("MI", "scikit-learn", _sum(lambda a, b: _bits(_on_labels(mutual_info_score)(a, b)))),
    Oracle("MI", "scikit-learn", PUBLISHED["MI"], convention="literature"),
    Oracle("NMI", "scikit-learn", _sum(_on_labels(normalized_mutual_info_score))),
    Oracle("VIF", "sewar", _sum(vifp)),
    Oracle("VIF", "published evaluator", PUBLISHED["VIF"], convention="literature"),
    Oracle("Qabf", "evaluator, equal kept", partial(qabf, literature=False)),
    Oracle("Qabf", "published evaluator", PUBLISHED["Qabf"], convention="literature"),
    Oracle("SSIM", "scikit-image", _mean(_SSIM)),
    Oracle("SSIM", "piq", _mean(_piq_ssim)),
    Oracle("SSIM", "scikit-image", PUBLISHED["SSIM"], convention="literature"),
    Oracle("MS-SSIM", "piq", _mean(_piq_ms_ssim)),
    Oracle("MSE", "scikit-image", _mean(mean_squared_error)),
    Oracle("PSNR", "scikit-image", _psnr),
    Oracle("PSNR", "published evaluator", _published_psnr, convention="literature"),
    *(
        Oracle(f"FMI_{name}", "window by window", value, size=SMALL, tolerance=1e-5)
        for name, value in _FMI.items()
    ),
    *(
        Oracle(
            f"FMI_{name}",
            "window by window",
            partial(value, literature=True),
            convention="literature",
            size=SMALL,
            tolerance=1e-5,
        )
        for name, value in _FMI.items()
    ),
    *(
        Oracle(
            name,
            "pixel by pixel",
            partial(value, literature=convention == "literature"),
            convention=convention,
            size=SMALL,
        )
        for name, value in (("Nabf", references.artefacts), ("LabF", references.fusion_loss))
        for convention in ("sound", "literature")
    ),
    Oracle("Q0", "window by window", references.universal_quality),
    Oracle("Qw", "window by window", references.weighted_fusion_quality),
    Oracle("Qe", "window by window", references.edge_fusion_quality),
    *(
        Oracle(name, by, partial(value, literature=convention == "literature"), convention)
        for name, by, value in (
            ("Qcv", "region by region", references.perceived_difference),
            ("Qcb", "two-dimensional windows", references.contrast_preservation),
        )
        for convention in ("sound", "literature")
    ),
)


def _bits(nats: float) -> float:
    return nats / float(np.log(2.0))


def main() -> None:
    """Print for each oracle the scene on which this project differs most from it."""
    header = ["metric", "convention", "oracle", "fused", "this", "oracle's", "difference"]
    print("{:13} {:11} {:24} {:6} {:>12} {:>12} {:>10}".format(*header))
    for oracle in ORACLES:
        rows = [(fusing, *oracle.compare(fusing)) for fusing in FUSINGS]
        fusing, score, expected = max(rows, key=lambda row: abs(row[1] - row[2]))
        about = f"{oracle.acronym:13} {oracle.convention:11} {oracle.by:24} {fusing:6}"
        print(f"{about} {score:12.6f} {expected:12.6f} {abs(score - expected):10.1e}")


if __name__ == "__main__":
    main()
