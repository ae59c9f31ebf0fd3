"""The metrics in one table, which scores, reports and docs/metrics.md are made from."""

from collections.abc import Sequence
from math import inf, sqrt

import torch
from torch import Tensor

from ssvif.metrics.artefacts import artefacts, fusion_loss
from ssvif.metrics.contrast import average_gradient, spatial_frequency, standard_deviation
from ssvif.metrics.correlation import correlation_coefficient, sum_of_correlations_of_differences
from ssvif.metrics.fmi import (
    FMI_MIN_SIDE,
    feature_mutual_information_gradient,
    feature_mutual_information_pixel,
)
from ssvif.metrics.histograms import (
    entropy,
    mutual_information,
    normalised_mutual_information,
)
from ssvif.metrics.levels import WHITE, require_planes
from ssvif.metrics.metric import Convention, Metric
from ssvif.metrics.piella import (
    PIELLA_MIN_SIDE,
    edge_fusion_quality,
    universal_quality,
    weighted_fusion_quality,
)
from ssvif.metrics.qabf import qabf
from ssvif.metrics.qcb import QCB_MIN_SIDE, contrast_preservation
from ssvif.metrics.qcv import perceived_difference
from ssvif.metrics.similarity import (
    MS_SSIM_MIN_SIDE,
    multi_scale_structural_similarity,
    structural_similarity,
)
from ssvif.metrics.squared_error import PSNR_CEILING, mean_squared_error, peak_signal_to_noise
from ssvif.metrics.vif import VIF_MIN_SIDE, visual_information_fidelity
from ssvif.ops import SSIM_WINDOW

__all__ = ["METRICS", "STANDARD", "Metric", "score_all"]

METRICS = (
    Metric(
        acronym="EN",
        title="entropy",
        function=entropy,
        joined="fused alone",
        source="Roberts et al. 2008",
        unit="bits",
        high=8.0,
        differentiable=False,
    ),
    Metric(
        acronym="SD",
        title="standard deviation",
        function=standard_deviation,
        joined="fused alone",
        source="Rao 1997",
        unit="grey levels",
        high=WHITE / 2.0,
    ),
    Metric(
        acronym="SF",
        title="spatial frequency",
        function=spatial_frequency,
        joined="fused alone",
        source="Eskicioglu and Fisher 1995",
        unit="grey levels",
        high=WHITE * sqrt(2.0),
    ),
    Metric(
        acronym="AG",
        title="average gradient",
        function=average_gradient,
        joined="fused alone",
        source="Cui et al. 2015",
        unit="grey levels a pixel",
        high=WHITE,
    ),
    Metric(
        acronym="MI",
        title="mutual information",
        function=mutual_information,
        joined="sum",
        source="Qu et al. 2002",
        unit="bits",
        high=16.0,
        differentiable=False,
        literature="nats",
    ),
    Metric(
        acronym="VIF",
        title="visual information fidelity",
        function=visual_information_fidelity,
        joined="sum",
        source="Sheikh and Bovik 2006",
        high=inf,
        min_side=VIF_MIN_SIDE,
    ),
    Metric(
        acronym="Qabf",
        title="edge preservation",
        function=qabf,
        joined="together",
        source="Xydeas and Petrovic 2000",
        unit="share",
        differentiable=False,
        literature="where two strengths are equal, the strength is taken for the ratio",
    ),
    Metric(
        acronym="SCD",
        title="sum of correlations of differences",
        function=sum_of_correlations_of_differences,
        joined="sum",
        source="Aslantas and Bendes 2015",
        low=-2.0,
        high=2.0,
    ),
    Metric(
        acronym="CC",
        title="correlation coefficient",
        function=correlation_coefficient,
        joined="mean",
        source="Deshmukh and Bhosale 2010",
        low=-1.0,
    ),
    Metric(
        acronym="SSIM",
        title="structural similarity",
        function=structural_similarity,
        joined="mean",
        source="Wang et al. 2004",
        low=-1.0,
        min_side=SSIM_WINDOW,
        literature="sum over the sources, uniform windows of 7x7, data range 2",
    ),
    Metric(
        acronym="MS-SSIM",
        title="multi-scale structural similarity",
        function=multi_scale_structural_similarity,
        joined="mean",
        source="Wang et al. 2003",
        min_side=MS_SSIM_MIN_SIDE,
    ),
    Metric(
        acronym="NMI",
        title="normalised mutual information",
        function=normalised_mutual_information,
        joined="sum",
        source="Hossny et al. 2008",
        high=2.0,
        differentiable=False,
    ),
    Metric(
        acronym="FMI_pixel",
        title="feature mutual information of grey levels",
        function=feature_mutual_information_pixel,
        joined="mean",
        source="Haghighat et al. 2011",
        min_side=FMI_MIN_SIDE,
        differentiable=False,
        literature="the mixture's weight is unbounded",
    ),
    Metric(
        acronym="FMI_gradient",
        title="feature mutual information of horizontal derivatives",
        function=feature_mutual_information_gradient,
        joined="mean",
        source="Haghighat et al. 2011",
        min_side=FMI_MIN_SIDE,
        differentiable=False,
        literature="the mixture's weight is unbounded",
    ),
    Metric(
        acronym="PSNR",
        title="peak signal to noise",
        function=peak_signal_to_noise,
        joined="together",
        source="Jagalingam and Hegde 2015",
        unit="dB",
        high=PSNR_CEILING,
        literature="the peak is the fused image's maximum",
    ),
    Metric(
        acronym="MSE",
        title="mean squared error",
        function=mean_squared_error,
        joined="mean",
        source="Jagalingam and Hegde 2015",
        unit="squared grey levels",
        high=WHITE**2,
        higher_is_better=False,
    ),
    Metric(
        acronym="Nabf",
        title="artefacts",
        function=artefacts,
        joined="together",
        source="Petrovic and Xydeas 2005; Shreyamsha Kumar 2013",
        unit="share",
        higher_is_better=False,
        differentiable=False,
        literature="flat places count as lost, the border wraps around",
    ),
    Metric(
        acronym="LabF",
        title="fusion loss",
        function=fusion_loss,
        joined="together",
        source="Petrovic and Xydeas 2005",
        unit="share",
        higher_is_better=False,
        differentiable=False,
        literature="flat places count as lost, the border wraps around",
    ),
    Metric(
        acronym="Q0",
        title="universal quality index",
        function=universal_quality,
        joined="mean",
        source="Wang and Bovik 2002",
        low=-1.0,
        min_side=PIELLA_MIN_SIDE,
    ),
    Metric(
        acronym="Qw",
        title="weighted fusion quality",
        function=weighted_fusion_quality,
        joined="together",
        source="Piella and Heijmans 2003",
        low=-1.0,
        min_side=PIELLA_MIN_SIDE,
    ),
    Metric(
        acronym="Qe",
        title="edge-dependent fusion quality",
        function=edge_fusion_quality,
        joined="together",
        source="Piella and Heijmans 2003",
        low=-1.0,
        min_side=PIELLA_MIN_SIDE,
        differentiable=False,
    ),
    Metric(
        acronym="Qcv",
        title="perceived difference",
        function=perceived_difference,
        joined="together",
        source="Chen and Varshney 2007",
        unit="squared grey levels",
        high=inf,
        higher_is_better=False,
        differentiable=False,
        literature="each image is stretched to 0..255, black lies beyond the border",
    ),
    Metric(
        acronym="Qcb",
        title="contrast preservation",
        function=contrast_preservation,
        joined="together",
        source="Chen and Blum 2009",
        min_side=QCB_MIN_SIDE,
        unit="share",
        differentiable=False,
        literature="each image is stretched to 0..255, black lies beyond the border",
    ),
)

# What is scored unless something else is asked for: the ten that most papers print.
STANDARD = METRICS[:10]


def score_all(
    *,
    fused: Tensor,
    vis: Tensor,
    ir: Tensor,
    metrics: Sequence[Metric] = STANDARD,
    convention: Convention = "sound",
) -> dict[str, Tensor]:
    """Return the scores (B,) of several metrics, by acronym.

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1]; for STANDARD, H and W at least 41.
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.
        metrics: Rows of METRICS.
        convention: `literature` for what the published evaluators print.

    Raises:
        ShapeError: If the planes are not (B, 1, H, W), all of one shape, or are too small.
    """
    require_planes(fused, vis, ir, min_side=max(metric.min_side for metric in metrics))
    scores: dict[str, list[Tensor]] = {metric.acronym: [] for metric in metrics}
    # Scene by scene: what one scene needs stays in a processor's caches, a batch's does not.
    for planes in zip(fused.split(1), vis.split(1), ir.split(1), strict=True):
        scene = dict(zip(("fused", "vis", "ir"), planes, strict=True))
        for metric in metrics:
            scores[metric.acronym].append(metric.score(**scene, convention=convention))
    return {acronym: torch.cat(parts) for acronym, parts in scores.items()}
