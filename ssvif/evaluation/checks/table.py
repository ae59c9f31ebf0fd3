"""The label-free checks in one table, which reports and docs/evaluation.md are made from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from ssvif.evaluation.checks.artefacts import (
    halo,
    halo_saturated,
    noise_gain,
    noise_gain_saturated,
)
from ssvif.evaluation.checks.gradients import gradients_kept


@dataclass(frozen=True)
class Check:
    """One label-free check.

    Args:
        name: Its key in checks.json.
        title: In words.
        unit: What 1 means; empty for a plain number.
        bad: What a bad value looks like, and what it means.
    """

    name: str
    title: str
    unit: str
    bad: str


CHECKS = (
    Check(
        name="branch_agreement",
        title="agreement of the two branches over chance",
        unit="kappa",
        bad="below 0.3: the branches see different things; 0: one of them has collapsed",
    ),
    Check(
        name="confidence_feature_level",
        title="confidence of the feature-level branch",
        unit="probability",
        bad="near 1 / K: it guesses; above 0.95 while the branches disagree: it is sure and wrong",
    ),
    Check(
        name="confidence_pixel_level",
        title="confidence of the pixel-level branch",
        unit="probability",
        bad="much below the feature-level branch: the fused image lacks what the features have",
    ),
    Check(
        name="effective_prototypes",
        title="prototypes in use, of the poorer branch",
        unit="prototypes",
        bad="below a quarter of all: collapse, and agreement means nothing any more",
    ),
    Check(
        name="prototype_entropy_feature_level",
        title="evenness of prototypes, feature level",
        unit="share of the most",
        bad="below 0.5: few prototypes stand for nearly everything",
    ),
    Check(
        name="prototype_entropy_pixel_level",
        title="evenness of prototypes, pixel level",
        unit="share of the most",
        bad="below 0.5: few prototypes stand for nearly everything",
    ),
    Check(
        name="gradients_kept_vis",
        title="visible gradients kept",
        unit="share",
        bad="0.5 and less: no more than averaging with a blank image would keep",
    ),
    Check(
        name="gradients_kept_ir",
        title="infrared gradients kept",
        unit="share",
        bad="0.5 and less: no more than averaging keeps; near 0: infrared is not used",
    ),
    Check(
        name="flicker",
        title="change between frames that the sources do not explain",
        unit="grey levels",
        bad="above 1: weights jump from frame to frame, which is seen in video",
    ),
    Check(
        name="halo",
        title="overshoot near strong edges",
        unit="grey levels",
        bad="above 0.2: outlines glow, or have dark rims",
    ),
    Check(
        name="halo_saturated",
        title="overshoot near saturated regions",
        unit="grey levels",
        bad="above 0.2: lamps and hot things have rings",
    ),
    Check(
        name="noise_gain",
        title="noise over that of the noisier source, where both are flat",
        unit="ratio",
        bad="above 1: noise is amplified; below 0.5: fine detail is smoothed away with it",
    ),
    Check(
        name="noise_gain_saturated",
        title="the same, near saturated regions",
        unit="ratio",
        bad="above 1: gain rises where a lamp or a hot thing leaves nothing to gain",
    ),
)

CHECK_BY_NAME: Mapping[str, Check] = {check.name: check for check in CHECKS}

_SINGLE: Mapping[str, Callable[..., Tensor]] = {
    "halo": halo,
    "halo_saturated": halo_saturated,
    "noise_gain": noise_gain,
    "noise_gain_saturated": noise_gain_saturated,
}


def check_image(*, fused: Tensor, vis: Tensor, ir: Tensor) -> dict[str, Tensor]:
    """Return every check of single images, by name.

    Args:
        fused: Luminance, (B, 1, H, W) in [0, 1].
        vis: Visible luminance, the same shape.
        ir: Infrared, the same shape.

    Returns:
        (B,) each; NaN where an image has nothing to check.

    Raises:
        ShapeError: If a plane is not (B, 1, H, W).
    """
    kept_vis, kept_ir = gradients_kept(fused=fused, vis=vis, ir=ir)
    found = {name: function(fused=fused, vis=vis, ir=ir) for name, function in _SINGLE.items()}
    return {"gradients_kept_vis": kept_vis, "gradients_kept_ir": kept_ir, **found}
