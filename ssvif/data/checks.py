"""What a pair must be to be trained on: one function a check.

Each check returns quietly or raises `PairError` with a code of its own, which stays the same
for programs that read `quarantine.jsonl`; docs/captures.md lists them.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ssvif.data.images import UInt8Image, resize
from ssvif.data.layouts import Capture
from ssvif.data.registration import Registration
from ssvif.errors import PairError

_SAME_BELOW = 0.005  # mean difference of two halves that are one image
_ASPECT_TOLERANCE = 0.02  # ratio of aspects up to which resizing keeps a pair registered
# Over 608 real, registered pairs far - near stayed below 0.04; of the same pairs moved by 20
# pixels four in five exceeded 0.1.
_FAR_MARGIN = 0.08
_FAR_LEAST = 0.12
_LEVELS = 255.0


def check_inside(paths: Iterable[Path], folder: Path) -> None:
    """Refuse files that lie elsewhere, by way of a link, or links that lead nowhere.

    Raises:
        PairError: `outside` or `unreadable`.
    """
    home = folder.resolve()
    for path in paths:
        try:
            place = path.resolve()
        except (OSError, RuntimeError):  # a link to itself; which of the two, Python decides
            raise PairError(
                "unreadable", f"{path.name} is a link that leads nowhere; put the file itself there"
            ) from None
        if not place.is_relative_to(home):
            raise PairError(
                "outside",
                f"{path.name} is a link to a file outside the set; put the file itself there",
            )


def check_halves(capture: Capture) -> tuple[Path, Path]:
    """Refuse a capture without its other half, or with one too many.

    Returns:
        The visible and the infrared file.

    Raises:
        PairError: `missing_half` or `ambiguous`.
    """
    if capture.spare:
        names = ", ".join(sorted(path.name for path in capture.spare))
        raise PairError("ambiguous", f"further files claim the same place: {names}; keep one")
    if capture.vis is None:
        raise PairError("missing_half", "the visible image is missing; add it, of the same name")
    if capture.ir is None:
        raise PairError("missing_half", "the infrared image is missing; add it, of the same name")
    return capture.vis, capture.ir


def fit_infrared(vis: UInt8Image, ir: UInt8Image, *, may_resize: bool) -> UInt8Image:
    """Return the infrared image in the size of the visible one.

    Args:
        vis: (H, W, 3).
        ir: (H', W').
        may_resize: Whether another size is resized, where height to width is the same.

    Raises:
        PairError: `size_mismatch`.
    """
    (height, width), (ir_height, ir_width) = vis.shape[:2], ir.shape
    if (height, width) == (ir_height, ir_width):
        return ir
    sizes = f"vis is {width}x{height}, ir is {ir_width}x{ir_height}"
    if not may_resize:
        raise PairError(
            "size_mismatch",
            f"{sizes}; register the pair, or set ingest.resize_mismatch if they show the same view",
        )
    aspect = (width * ir_height) / (height * ir_width)
    if abs(aspect - 1.0) > _ASPECT_TOLERANCE:
        raise PairError(
            "size_mismatch", f"{sizes}: another shape, not only another size; register the pair"
        )
    return resize(ir, height=height, width=width)


def check_size(image: UInt8Image, *, min_size: int) -> None:
    """Refuse an image that is too small to train on.

    Raises:
        PairError: `too_small`.
    """
    height, width = image.shape[:2]
    if min(height, width) < min_size:
        raise PairError(
            "too_small", f"{width}x{height} is below {min_size} pixels a side (ingest.min_size)"
        )


def check_contrast(plane: UInt8Image, modality: str, *, constant_below: float) -> None:
    """Refuse an image that shows nothing.

    Args:
        plane: (H, W).
        modality: What to call it.
        constant_below: Least standard deviation, in [0, 1].

    Raises:
        PairError: `constant`.
    """
    deviation = float(plane.std()) / _LEVELS
    if deviation < constant_below:
        raise PairError(
            "constant",
            f"the {modality} image is flat (deviation {deviation:.4f}, expected at least"
            f" {constant_below:g}); check lens cap and shutter",
        )


def check_exposure(plane: UInt8Image, modality: str, *, saturated_above: float) -> None:
    """Refuse an image that is nearly all black or nearly all white.

    Raises:
        PairError: `saturated`.
    """
    black, white = float((plane == 0).mean()), float((plane == _LEVELS).mean())
    share, colour = max((black, "black"), (white, "white"))
    if share > saturated_above:
        raise PairError(
            "saturated",
            f"{share:.0%} of the {modality} image is {colour} (at most {saturated_above:.0%});"
            " check exposure or gain",
        )


def check_two_images(vis_y: UInt8Image, ir: UInt8Image) -> None:
    """Refuse a pair whose halves are one and the same image.

    Raises:
        PairError: `same_image`.
    """
    difference = float(np.abs(vis_y.astype(np.int16) - ir).mean()) / _LEVELS
    if difference < _SAME_BELOW:
        raise PairError("same_image", "both halves are the same image; replace one of them")


def check_registration(registration: Registration, *, max_shift: int) -> None:
    """Refuse a pair whose edges clearly fit elsewhere.

    Only clear cases: pairs whose edges fit nowhere well, such as fog or night, pass.

    Raises:
        PairError: `misregistered`.
    """
    near, far = registration.near_score, registration.far_score
    if far < _FAR_LEAST or far - near < _FAR_MARGIN:
        return
    down, right = registration.shift
    raise PairError(
        "misregistered",
        f"edges fit best {right:+.0f} right, {down:+.0f} down ({far:.2f} against {near:.2f} within"
        f" {max_shift} pixels); register the pair",
    )
