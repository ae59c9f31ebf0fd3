"""The metrics in one table, which reports and scores read."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, sqrt

from torch import Tensor

from ssvif.metrics.contrast import average_gradient, spatial_frequency, standard_deviation
from ssvif.metrics.histograms import entropy, mutual_information
from ssvif.metrics.qabf import qabf
from ssvif.metrics.scd import sum_of_correlations_of_differences
from ssvif.metrics.similarity import structural_similarity
from ssvif.metrics.vif import visual_information_fidelity


@dataclass(frozen=True)
class Metric:
    """One metric, as papers print it; for all of them, higher counts as better.

    Args:
        acronym: As in tables: `EN`, `Qabf`.
        function: Takes fused alone, or fused, vis and ir; see `needs_sources`.
        needs_sources: Whether the sources are compared with.
        unit: What 1 means; empty for a pure number.
        low: Least value.
        high: Greatest value; infinite where there is none.
        source: Where it was published.
    """

    acronym: str
    function: Callable[..., Tensor]
    needs_sources: bool
    unit: str
    low: float
    high: float
    source: str

    def score(self, *, fused: Tensor, vis: Tensor, ir: Tensor) -> Tensor:
        """Return the scores (B,) of planes (B, 1, H, W) in [0, 1]."""
        if self.needs_sources:
            return self.function(fused=fused, vis=vis, ir=ir)
        return self.function(fused=fused)


METRICS = (
    Metric("EN", entropy, False, "bits", 0.0, 8.0, "Roberts et al. 2008"),
    Metric("SD", standard_deviation, False, "grey levels", 0.0, 127.5, "Rao 1997"),
    Metric(
        "SF",
        spatial_frequency,
        False,
        "grey levels",
        0.0,
        255.0 * sqrt(2.0),
        "Eskicioglu and Fisher 1995",
    ),
    Metric("AG", average_gradient, False, "grey levels a pixel", 0.0, 255.0, "Cui et al. 2015"),
    Metric("MI", mutual_information, True, "bits, sum", 0.0, 16.0, "Qu et al. 2002"),
    Metric("VIF", visual_information_fidelity, True, "sum", 0.0, inf, "Sheikh and Bovik 2006"),
    Metric("Qabf", qabf, True, "", 0.0, 1.0, "Xydeas and Petrovic 2000"),
    Metric(
        "SCD",
        sum_of_correlations_of_differences,
        True,
        "sum",
        -2.0,
        2.0,
        "Aslantas and Bendes 2015",
    ),
    Metric("SSIM", structural_similarity, True, "mean", -1.0, 1.0, "Wang et al. 2004"),
)


def score_all(*, fused: Tensor, vis: Tensor, ir: Tensor) -> dict[str, Tensor]:
    """Return the scores (B,) of every metric, by acronym.

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1], H and W at least 41.
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape, or are too small.
    """
    return {metric.acronym: metric.score(fused=fused, vis=vis, ir=ir) for metric in METRICS}
