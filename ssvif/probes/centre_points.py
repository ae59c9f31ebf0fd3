"""Boxes as centre points: what to learn from boxes, the loss, and boxes from what was learnt.

Source: Zhou et al. 2019, "Objects as Points", arXiv:1904.07850.
Differs: a place says how far the four sides are (as in FCOS, Tian et al. 2019) in place of size
and offset; spots are as wide as a share of the box's sides.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ssvif.probes.network import STRIDE

EXTENT_WEIGHT = 0.1  # section 3: beside pixels of the grid
MOST_BOXES = 100  # an image: section 4

_ALPHA, _BETA = 2.0, 4.0  # eq. (1)
_SPREAD = 1.0 / 6.0  # standard deviation of a centre's spot, as a share of the box's side
_LEAST_SPREAD = 0.5  # places of the grid


@dataclass(frozen=True)
class Centres:
    """What a batch's heads should say.

    Args:
        heat: (B, K, rows, columns) in [0, 1]; 1 at the centres.
        extent: (B, 4, rows, columns), distances to the sides; 0 but at the centres.
        at_centre: (B, 1, rows, columns) bool.
    """

    heat: Tensor
    extent: Tensor
    at_centre: Tensor

    def to(self, device: torch.device) -> "Centres":
        """Return the same on another device."""
        heat, extent = self.heat.to(device), self.extent.to(device)
        return Centres(heat, extent, self.at_centre.to(device))


def draw_centres(boxes: Sequence[Tensor], *, things: int, size: tuple[int, int]) -> Centres:
    """Draw the boxes of a batch as spots on the grid.

    Args:
        boxes: (N, 5) for each image: class number from 1 on, x1, y1, x2, y2 in pixels.
        things: How many classes K there are, without the background.
        size: Height and width of the images.
    """
    # The last place may stick out of the image, as in the features.
    rows, columns = (math.ceil(side / STRIDE) for side in size)
    heat = torch.zeros(len(boxes), things, rows, columns)
    extent = torch.zeros(len(boxes), 4, rows, columns)
    at_centre = torch.zeros(len(boxes), 1, rows, columns, dtype=torch.bool)
    down, right = torch.arange(rows)[:, None], torch.arange(columns)[None]
    for image, image_boxes in enumerate(boxes):
        for number, *corners in image_boxes.tolist():
            x1, y1, x2, y2 = (corner / STRIDE for corner in corners)
            column = min(int((x1 + x2) / 2), columns - 1)
            row = min(int((y1 + y2) / 2), rows - 1)
            spread_x = max(_SPREAD * (x2 - x1), _LEAST_SPREAD)
            spread_y = max(_SPREAD * (y2 - y1), _LEAST_SPREAD)
            spot = torch.exp(
                -0.5 * (((right - column) / spread_x) ** 2 + ((down - row) / spread_y) ** 2)
            )
            plane = heat[image, int(number) - 1]
            torch.maximum(plane, spot, out=plane)
            middle_x, middle_y = column + 0.5, row + 0.5
            sides = (middle_x - x1, middle_y - y1, x2 - middle_x, y2 - middle_y)
            extent[image, :, row, column] = torch.tensor(sides)
            at_centre[image, 0, row, column] = True
    return Centres(heat, extent, at_centre)


def centre_loss(heat: Tensor, extent: Tensor, centres: Centres) -> Tensor:
    """Return the focal loss of the heat plus the weighted L1 loss of the extents.

    Args:
        heat: (B, K, rows, columns) logits.
        extent: (B, 4, rows, columns).
        centres: What they should say.
    """
    count = centres.at_centre.sum().clamp(min=1)
    probability = heat.sigmoid()
    is_centre = centres.heat == 1.0
    found = (1.0 - probability) ** _ALPHA * F.logsigmoid(heat)
    empty = (1.0 - centres.heat) ** _BETA * probability**_ALPHA * F.logsigmoid(-heat)
    focal = -torch.where(is_centre, found, empty).sum() / count
    distance = (extent - centres.extent).abs() * centres.at_centre
    return focal + EXTENT_WEIGHT * distance.sum() / count


def find_boxes(heat: Tensor, extent: Tensor) -> list[dict[str, Tensor]]:
    """Return the boxes at the peaks of the heat, as torchmetrics takes them.

    Args:
        heat: (B, K, rows, columns) logits.
        extent: (B, 4, rows, columns).

    Returns:
        For each image `boxes` (N, 4) in pixels, `scores` (N,) and `labels` (N,) from 1 on.
    """
    probability = heat.sigmoid()
    is_peak = F.max_pool2d(probability, 3, stride=1, padding=1) == probability
    peaks = torch.where(is_peak, probability, 0.0).flatten(1)  # (B, K * rows * columns)
    scores, places = peaks.topk(min(MOST_BOXES, peaks.shape[1]))
    rows, columns = heat.shape[-2:]
    labels = places // (rows * columns)
    cells = places % (rows * columns)
    middle = torch.stack([cells % columns + 0.5, cells // columns + 0.5], dim=-1)  # (B, N, 2)
    sides = extent.flatten(2).gather(2, cells[:, None].expand(-1, 4, -1)).mT  # (B, N, 4)
    limit = torch.tensor([columns, rows], dtype=middle.dtype, device=middle.device)
    top_left = (middle - sides[..., :2]).clamp(min=0.0)
    bottom_right = torch.minimum(middle + sides[..., 2:], limit)
    boxes = STRIDE * torch.cat([top_left, bottom_right], dim=-1)
    return [
        {"boxes": boxes[i], "scores": scores[i], "labels": labels[i] + 1} for i in range(len(boxes))
    ]
