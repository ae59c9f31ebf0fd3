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
    """One metric, as papers print it; for every one of them, higher counts as better.

    Args:
        acronym: As in tables: `EN`, `Qabf`.
        title: In words.
        function: Takes fused alone, or fused, vis and ir; see `needs_sources`.
        needs_sources: Whether the sources are compared with.
        unit: What 1 means, and how the two sources are joined.
        low: Least value.
        high: Greatest value; infinite where there is none.
        source: Where it was published.
    """

    acronym: str
    title: str
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
    Metric(
        acronym="EN",
        title="entropy",
        function=entropy,
        needs_sources=False,
        unit="bits",
        low=0.0,
        high=8.0,
        source="Roberts et al. 2008",
    ),
    Metric(
        acronym="SD",
        title="standard deviation",
        function=standard_deviation,
        needs_sources=False,
        unit="grey levels",
        low=0.0,
        high=127.5,
        source="Rao 1997",
    ),
    Metric(
        acronym="SF",
        title="spatial frequency",
        function=spatial_frequency,
        needs_sources=False,
        unit="grey levels",
        low=0.0,
        high=255.0 * sqrt(2.0),
        source="Eskicioglu and Fisher 1995",
    ),
    Metric(
        acronym="AG",
        title="average gradient",
        function=average_gradient,
        needs_sources=False,
        unit="grey levels a pixel",
        low=0.0,
        high=255.0,
        source="Cui et al. 2015",
    ),
    Metric(
        acronym="MI",
        title="mutual information",
        function=mutual_information,
        needs_sources=True,
        unit="bits, sum over the sources",
        low=0.0,
        high=16.0,
        source="Qu et al. 2002",
    ),
    Metric(
        acronym="VIF",
        title="visual information fidelity",
        function=visual_information_fidelity,
        needs_sources=True,
        unit="sum over the sources",
        low=0.0,
        high=inf,
        source="Sheikh and Bovik 2006",
    ),
    Metric(
        acronym="Qabf",
        title="edge preservation",
        function=qabf,
        needs_sources=True,
        unit="share",
        low=0.0,
        high=1.0,
        source="Xydeas and Petrovic 2000",
    ),
    Metric(
        acronym="SCD",
        title="sum of correlations of differences",
        function=sum_of_correlations_of_differences,
        needs_sources=True,
        unit="sum over the sources",
        low=-2.0,
        high=2.0,
        source="Aslantas and Bendes 2015",
    ),
    Metric(
        acronym="SSIM",
        title="structural similarity",
        function=structural_similarity,
        needs_sources=True,
        unit="mean over the sources",
        low=-1.0,
        high=1.0,
        source="Wang et al. 2004",
    ),
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
