"""The range of raw values over a whole infrared clip; never of a frame."""

import logging

import numpy as np

from ssvif.data.infrared_range import percentile_range
from ssvif.errors import VideoError
from ssvif.fuse.video.containers import Damage, decoded, open_video
from ssvif.fuse.video.sources import Kind, Source
from ssvif.params import PERCENTILES

logger = logging.getLogger(__name__)


def clip_range(source: Source) -> tuple[float, float]:
    """Find the raw values of black and white of a clip of more than 8 bits, by all its frames.

    Args:
        source: The clip, which is read once for it.

    Raises:
        VideoError: If it cannot be read twice, or has one frame: nothing to compare it with.
    """
    if source.kind is not Kind.FILE:
        raise VideoError(
            f"{source.name}: more than 8 bits, and not all there to find black and white from; give"
            " the camera's raw values with --ir-range BLACK WHITE"
        )
    counts, frames = np.zeros(1 << 16), 0
    with open_video(source) as (container, stream):
        for frame in decoded(container, stream, Damage()):
            counts += np.bincount(frame.to_ndarray().ravel(), minlength=counts.size)
            frames += 1
    found = percentile_range(np.arange(counts.size, dtype=float), counts, PERCENTILES)
    if found is None or frames < 2:
        raise VideoError(
            f"{source.name}: more than 8 bits, and one frame only to find black and white from; "
            "give the camera's raw values with --ir-range BLACK WHITE"
        )
    logger.info(
        "deep infrared: %g is black and %g white, from the whole clip; --ir-range sets them", *found
    )
    return found
