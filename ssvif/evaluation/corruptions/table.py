"""All degradations in one table, which stress, reports and docs/evaluation.md are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from ssvif.errors import ShapeError
from ssvif.evaluation.corruptions import misregistration, modality, sensors, weather
from ssvif.evaluation.corruptions.draw import Corruption, Draw, Sources
from ssvif.seeding import numpy_generator

SEVERITIES = 5
_WHITE = 255.0

_LOST = (20.0, 40.0, 60.0, 80.0, 100.0)
_LOST_UNIT = "per cent of rows"


@dataclass(frozen=True)
class Degradation:
    """One way in which captures go bad.

    Args:
        name: In tables.
        title: In words.
        unit: Of the levels.
        levels: Of severities 1 to 5.
        function: Makes a pair worse by a level.
        models: What it stands for.
        remaining: The camera that still works at severity 5, where the other one is lost.
    """

    name: str
    title: str
    unit: str
    levels: tuple[float, float, float, float, float]
    function: Corruption
    models: str
    remaining: Literal["vis", "ir"] | None = None


DEGRADATIONS = (
    Degradation(
        name="shift",
        title="infrared shifted",
        unit="pixels",
        levels=(1.0, 2.0, 4.0, 8.0, 16.0),
        function=misregistration.shift,
        models="a mount that was knocked, parallax, late frames",
    ),
    Degradation(
        name="scale",
        title="infrared scaled",
        unit="per cent",
        levels=(0.5, 1.0, 2.0, 4.0, 8.0),
        function=misregistration.scale,
        models="a wrong focal length, a lens that moved with heat",
    ),
    Degradation(
        name="rotation",
        title="infrared rotated",
        unit="degrees",
        levels=(0.5, 1.0, 2.0, 4.0, 8.0),
        function=misregistration.rotation,
        models="a camera that turned in its mount",
    ),
    Degradation(
        name="visible_noise",
        title="noise in visible",
        unit="electrons at white",
        levels=(3000.0, 1000.0, 300.0, 100.0, 30.0),
        function=sensors.visible_noise,
        models="photon and read noise after short exposures",
    ),
    Degradation(
        name="infrared_noise",
        title="noise in infrared",
        unit="grey levels",
        levels=(2.0, 5.0, 10.0, 20.0, 40.0),
        function=sensors.infrared_noise,
        models="a scene of little thermal contrast, amplified",
    ),
    Degradation(
        name="fixed_pattern",
        title="stripes in infrared",
        unit="grey levels",
        levels=(2.0, 4.0, 8.0, 16.0, 24.0),
        function=sensors.fixed_pattern,
        models="a microbolometer that drifted since its last calibration",
    ),
    Degradation(
        name="dead_pixels",
        title="dead infrared pixels",
        unit="per cent of pixels",
        levels=(0.1, 0.3, 1.0, 3.0, 10.0),
        function=sensors.dead_pixels,
        models="defects of the detector that nothing corrects",
    ),
    Degradation(
        name="low_light",
        title="low light",
        unit="stops",
        levels=(1.0, 2.0, 3.0, 4.5, 6.0),
        function=sensors.low_light,
        models="dusk and night without more exposure: dark and noisy visible images",
    ),
    Degradation(
        name="glare",
        title="glare in visible",
        unit="per cent of the picture",
        levels=(0.5, 1.0, 2.0, 5.0, 10.0),
        function=weather.glare,
        models="headlights and a low sun: saturated spots with veils around them",
    ),
    Degradation(
        name="hot_spots",
        title="hot spots in infrared",
        unit="per cent of the picture",
        levels=(0.5, 1.0, 2.0, 5.0, 10.0),
        function=weather.hot_spots,
        models="flames, exhausts and sun glint beyond the camera's range",
    ),
    Degradation(
        name="fog",
        title="fog",
        unit="metres of visibility",
        levels=(800.0, 400.0, 200.0, 100.0, 50.0),
        function=weather.fog,
        models="fog before the visible camera, on flat ground (Koschmieder)",
    ),
    Degradation(
        name="jpeg",
        title="JPEG",
        unit="quality",
        levels=(80.0, 50.0, 30.0, 15.0, 5.0),
        function=modality.jpeg,
        models="both images compressed for a narrow link",
    ),
    Degradation(
        name="visible_black",
        title="visible missing (black)",
        unit=_LOST_UNIT,
        levels=_LOST,
        function=modality.visible_black,
        models="a visible frame that breaks off, or never comes",
        remaining="ir",
    ),
    Degradation(
        name="visible_grey",
        title="visible missing (grey)",
        unit=_LOST_UNIT,
        levels=_LOST,
        function=modality.visible_grey,
        models="the same, where a decoder fills up with mid grey",
        remaining="ir",
    ),
    Degradation(
        name="visible_frozen",
        title="visible frozen",
        unit=_LOST_UNIT,
        levels=_LOST,
        function=modality.visible_frozen,
        models="a visible frame of another scene, left in the buffer",
        remaining="ir",
    ),
    Degradation(
        name="infrared_black",
        title="infrared missing (black)",
        unit=_LOST_UNIT,
        levels=_LOST,
        function=modality.infrared_black,
        models="an infrared frame that breaks off, or never comes",
        remaining="vis",
    ),
    Degradation(
        name="infrared_grey",
        title="infrared missing (grey)",
        unit=_LOST_UNIT,
        levels=_LOST,
        function=modality.infrared_grey,
        models="the same, where a decoder fills up with mid grey; a closed shutter",
        remaining="vis",
    ),
    Degradation(
        name="infrared_frozen",
        title="infrared frozen",
        unit=_LOST_UNIT,
        levels=_LOST,
        function=modality.infrared_frozen,
        models="an infrared frame of another scene, left in the buffer",
        remaining="vis",
    ),
    Degradation(
        name="black_hot",
        title="infrared black-hot",
        unit="per cent of the negative",
        levels=_LOST,
        function=modality.black_hot,
        models="the camera's palette turned round; at half way infrared is flat",
    ),
    Degradation(
        name="near_infrared",
        title="near infrared for thermal",
        unit="per cent near infrared",
        levels=_LOST,
        function=modality.near_infrared,
        models="a dissimilar modality: reflected light instead of warmth, guessed from colours",
    ),
)

BY_NAME: Mapping[str, Degradation] = {each.name: each for each in DEGRADATIONS}


def corrupt(
    vis: Tensor,
    ir: Tensor,
    degradation: Degradation,
    severity: int,
    *,
    seed: int,
    pair: str,
    other: Sources | None = None,
) -> Sources:
    """Make a pair worse; a pure function of its arguments.

    Args:
        vis: (B, 3, H, W) in [0, 1].
        ir: (B, 1, H, W) in [0, 1].
        degradation: A row of the table.
        severity: 1 to 5.
        seed: The run's seed.
        pair: The pair's id: every pair has random numbers of its own, every candidate the same.
        other: A frame of another scene, of any size; without, the pair itself, mirrored.

    Returns:
        Both images, in [0, 1] and in steps of 1 / 255, as a camera would deliver them.

    Raises:
        ShapeError: If the images do not fit each other.
        IndexError: If the severity is none of 1 to 5.
    """
    if vis.shape != (ir.shape[0], 3, *ir.shape[2:]) or ir.shape[1:2] != (1,):
        raise ShapeError(
            f"expected vis (B, 3, H, W) and ir (B, 1, H, W), found {tuple(vis.shape)} and "
            f"{tuple(ir.shape)}"
        )
    if not 1 <= severity <= SEVERITIES:
        raise IndexError(f"expected a severity of 1 to {SEVERITIES}, found {severity}")
    generator = numpy_generator(seed, "stress", degradation.name, pair)
    draw = Draw(generator, _fitting(other or (vis.flip(-1), ir.flip(-1)), vis, ir))
    level = degradation.levels[severity - 1]
    worse_vis, worse_ir = degradation.function(vis, ir, level, draw)
    return _quantise(worse_vis), _quantise(worse_ir)


def _fitting(other: Sources, vis: Tensor, ir: Tensor) -> Sources:
    """Bring another frame to the size and batch of this one."""
    size = ir.shape[2:]
    pairs = zip(other, (vis, ir), strict=True)
    resized = [
        (frame if frame.shape[2:] == size else F.interpolate(frame, size, mode="bilinear"))
        .to(own)
        .expand_as(own)
        for frame, own in pairs
    ]
    return resized[0], resized[1]


def _quantise(image: Tensor) -> Tensor:
    return (image.clamp(0.0, 1.0) * _WHITE).round() / _WHITE
