"""How well the edges of two modalities lie on each other, by Fourier correlation.

Grey values of a visible and an infrared image say little about each other, but the outlines of
things are at the same places. Edge magnitudes of both, on a reduced copy, are correlated over
all small shifts at once.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import fft, ndimage

from ssvif.data.images import UInt8Image

_WORKING_SIDE = 320  # pixels of the longer side while correlating
_SEARCH_SHARE = 0.15  # shifts looked at, of the longer side
_CONTEXT = 8.0  # pixels: edges count by how far they stand out from those around them
_EDGE_NOISE = 0.5  # of the root of the edge magnitude, in grey levels
_EPSILON = 1.0e-6
_LEAST_SIDE = 2  # pixels between which there can be an edge

Plane = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Registration:
    """Where the edges of a pair fit best.

    Args:
        near_score: Best correlation of edges among the shifts allowed, in [-1, 1].
        far_score: Best correlation among the other shifts.
        shift: Where the best of all is, in pixels of the image: (down, right), by which the
            infrared image has to move.
    """

    near_score: float
    far_score: float
    shift: tuple[float, float]


def register(vis_y: UInt8Image, ir: UInt8Image, *, max_shift: int) -> Registration:
    """Correlate the edges of a visible and an infrared image over small shifts.

    Args:
        vis_y: Luminance, (H, W).
        ir: Infrared, (H, W).
        max_shift: Shifts of at most this many pixels count as near.

    Returns:
        The scores near and far from no shift.
    """
    height, width = vis_y.shape
    scale = min(1.0, _WORKING_SIDE / max(height, width))
    size = (max(_LEAST_SIDE, round(width * scale)), max(_LEAST_SIDE, round(height * scale)))
    scores = _correlate(_edges(vis_y, size), _edges(ir, size))
    farthest = int(_SEARCH_SHARE * max(size))
    # Of a long, low image most rows are used up by a few shifts.
    reaches = (min(farthest, side - 1) for side in size)
    columns, rows = (np.arange(-reach, reach + 1) for reach in reaches)
    window = scores[np.ix_(rows, columns)]  # (H', W') -> (2R + 1, 2Q + 1)
    down, right = np.meshgrid(rows / scale, columns / scale, indexing="ij")
    near = np.maximum(abs(down), abs(right)) <= max(max_shift, 1.0 / scale)
    best = np.unravel_index(int(window.argmax()), window.shape)
    return Registration(
        near_score=float(window[near].max()),
        far_score=float(window[~near].max()) if not near.all() else 0.0,
        shift=(float(down[best]), float(right[best])),
    )


def _edges(plane: UInt8Image, size: tuple[int, int]) -> Plane:
    """Edge magnitudes of a reduced copy, evened out locally and faded towards the border."""
    small = np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BOX), np.float32)
    down, right = np.gradient(small)
    # The root and the local norm keep a few strong edges, such as a frame, from deciding alone.
    magnitude = np.sqrt(np.hypot(down, right))
    magnitude -= _local_mean(magnitude)
    magnitude /= np.sqrt(_local_mean(magnitude**2)) + _EDGE_NOISE
    rows, columns = (np.sqrt(np.hanning(length + 2)[1:-1]) for length in small.shape)
    return np.asarray(magnitude * np.outer(rows, columns), np.float32)


def _local_mean(plane: Plane) -> Plane:
    return np.asarray(ndimage.gaussian_filter(plane, _CONTEXT, truncate=2.0))


def _correlate(first: Plane, second: Plane) -> Plane:
    """Normalised correlation for every shift of `second`; index -1 is a shift by -1."""
    shape = [fft.next_fast_len(2 * length, real=True) for length in first.shape]
    spectrum = fft.rfft2(first, shape) * np.conj(fft.rfft2(second, shape))
    norm = np.linalg.norm(first) * np.linalg.norm(second) + _EPSILON
    return np.asarray(fft.irfft2(spectrum, shape) / norm, dtype=np.float32)
