"""Brings infrared images onto visible ones by a homography that the user measured.

A JSON file says where each pixel of the infrared image lies in the visible one:

    {"ir_to_vis": [[1.02, 0.0, -14.5], [0.0, 1.02, 3.0], [0.0, 0.0, 1.0]]}

in pixels, the middle of the first one at (0, 0), as OpenCV's `findHomography` has it. It holds for
one distance, or for scenes that are far away.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydantic import BaseModel, ConfigDict, field_validator

from ssvif.data.images import UInt8Image
from ssvif.errors import CapturesError
from ssvif.explain import read_json_as
from ssvif.fuse.colour import as_grey

Mask = npt.NDArray[np.bool_]

_Row = tuple[float, float, float]
_LEAST_DETERMINANT = 1.0e-6


class Alignment(BaseModel):
    """Where infrared pixels lie in the visible image.

    Args:
        ir_to_vis: Homography from (x, y, 1) of infrared to (x, y, 1) of the visible image.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    ir_to_vis: tuple[_Row, _Row, _Row]

    @field_validator("ir_to_vis")
    @classmethod
    def _can_be_undone(cls, rows: tuple[_Row, _Row, _Row]) -> tuple[_Row, _Row, _Row]:
        if abs(np.linalg.det(np.array(rows))) < _LEAST_DETERMINANT:
            raise ValueError("a homography that can be inverted")
        return rows

    def __call__(self, ir: UInt8Image, vis: UInt8Image) -> tuple[UInt8Image, Mask]:
        """Bring an infrared image onto a visible one.

        Args:
            ir: (H, W) of any size.
            vis: (H', W', 3) or (H', W').

        Returns:
            Infrared, (H', W'), and where the infrared camera looked. Elsewhere it is the visible
            luminance, so that fusing leaves the visible image there.
        """
        size = (vis.shape[1], vis.shape[0])
        terms = self._terms()
        there = Image.fromarray(np.full_like(ir, 255)).transform(
            size, Image.Transform.PERSPECTIVE, terms, Image.Resampling.NEAREST
        )
        moved = Image.fromarray(ir).transform(
            size, Image.Transform.PERSPECTIVE, terms, Image.Resampling.BILINEAR
        )
        seen = np.asarray(there) > 0
        return np.where(seen, np.asarray(moved), as_grey(vis)), seen

    def _terms(self) -> list[float]:
        """Return what Pillow needs: visible to infrared, whole numbers at the corners of pixels."""
        half = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
        back = half @ np.linalg.inv(np.array(self.ir_to_vis)) @ np.linalg.inv(half)
        return [float(term) for term in (back / back[2, 2]).ravel()[:8]]


def read_alignment(path: Path) -> Alignment:
    """Read a homography.

    Raises:
        CapturesError: If the file is missing or not understood.
    """
    remedy = 'expected {"ir_to_vis": [[a, b, c], [d, e, f], [g, h, 1]]}'
    found = read_json_as(path, Alignment, refusal=CapturesError, remedy=remedy)
    if found is None:
        raise CapturesError(f"{path}: no such file; {remedy}")
    return found
