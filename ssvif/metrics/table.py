"""The metrics in one table, which scores, reports and docs/metrics.md are made from."""

from collections.abc import Iterable
from math import inf, sqrt

from torch import Tensor

from ssvif.metrics.contrast import average_gradient, spatial_frequency, standard_deviation
from ssvif.metrics.correlation import correlation_coefficient, sum_of_correlations_of_differences
from ssvif.metrics.histograms import entropy, mutual_information
from ssvif.metrics.metric import Metric
from ssvif.metrics.qabf import qabf
from ssvif.metrics.similarity import structural_similarity
from ssvif.metrics.vif import visual_information_fidelity

__all__ = ["METRICS", "STANDARD", "Metric", "score_all"]

METRICS = (
    Metric(
        acronym="EN",
        title="entropy",
        function=entropy,
        joined="fused alone",
        unit="bits",
        high=8.0,
        source="Roberts et al. 2008",
    ),
    Metric(
        acronym="SD",
        title="standard deviation",
        function=standard_deviation,
        joined="fused alone",
        unit="grey levels",
        high=127.5,
        source="Rao 1997",
    ),
    Metric(
        acronym="SF",
        title="spatial frequency",
        function=spatial_frequency,
        joined="fused alone",
        unit="grey levels",
        high=255.0 * sqrt(2.0),
        source="Eskicioglu and Fisher 1995",
    ),
    Metric(
        acronym="AG",
        title="average gradient",
        function=average_gradient,
        joined="fused alone",
        unit="grey levels a pixel",
        high=255.0,
        source="Cui et al. 2015",
    ),
    Metric(
        acronym="MI",
        title="mutual information",
        function=mutual_information,
        joined="sum",
        unit="bits",
        high=16.0,
        source="Qu et al. 2002",
    ),
    Metric(
        acronym="VIF",
        title="visual information fidelity",
        function=visual_information_fidelity,
        min_side=41,
        joined="sum",
        high=inf,
        source="Sheikh and Bovik 2006",
    ),
    Metric(
        acronym="Qabf",
        title="edge preservation",
        function=qabf,
        joined="together",
        unit="share",
        source="Xydeas and Petrovic 2000",
    ),
    Metric(
        acronym="SCD",
        title="sum of correlations of differences",
        function=sum_of_correlations_of_differences,
        joined="sum",
        low=-2.0,
        high=2.0,
        source="Aslantas and Bendes 2015",
    ),
    Metric(
        acronym="CC",
        title="correlation coefficient",
        function=correlation_coefficient,
        joined="mean",
        low=-1.0,
        source="Deshmukh and Bhosale 2010",
    ),
    Metric(
        acronym="SSIM",
        title="structural similarity",
        function=structural_similarity,
        min_side=11,
        joined="mean",
        low=-1.0,
        source="Wang et al. 2004",
    ),
)


# What is scored unless something else is asked for: the ten that most papers print.
STANDARD = METRICS


def score_all(
    *, fused: Tensor, vis: Tensor, ir: Tensor, metrics: Iterable[Metric] = STANDARD
) -> dict[str, Tensor]:
    """Return the scores (B,) of several metrics, by acronym.

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1]; for STANDARD, H and W at least 41.
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.
        metrics: Rows of METRICS.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape, or are too small.
    """
    return {metric.acronym: metric.score(fused=fused, vis=vis, ir=ir) for metric in metrics}
