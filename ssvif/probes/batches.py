"""Batches of crops for a probe: the same for every candidate."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ssvif.params import ProbesParams
from ssvif.probes.images import ProbeImages
from ssvif.probes.tasks import ProbeTask

# A box whose larger part the crop cuts off is no thing to be found there.
_LEAST_SHARE = 0.3
_WHITE = 255.0


@dataclass(frozen=True)
class Batch:
    """Crops of B pairs.

    Args:
        images: For each trunk (B, 3, h, w) in [0, 1].
        masks: (B, h, w) class numbers, 255 ignored.
        boxes: (N, 5) for each pair, as `ProbeTask.boxes`; empty where the task has none.
    """

    images: tuple[Tensor, ...]
    masks: Tensor
    boxes: tuple[Tensor, ...]


@dataclass(frozen=True)
class _Window:
    top: int
    left: int
    height: int
    width: int
    is_mirrored: bool

    def cut(self, plane: Tensor) -> Tensor:
        """Cut (..., h, w)."""
        rows = slice(self.top, self.top + self.height)
        part = plane[..., rows, self.left : self.left + self.width]
        return part.flip(-1) if self.is_mirrored else part

    def cut_boxes(self, boxes: Tensor) -> Tensor:
        """Move boxes (N, 5) into the window, and drop those that lie outside for the most part."""
        left, right = boxes[:, 1] - self.left, boxes[:, 3] - self.left
        if self.is_mirrored:
            left, right = self.width - right, self.width - left
        top, bottom = boxes[:, 2] - self.top, boxes[:, 4] - self.top
        areas = (right - left) * (bottom - top)
        left, right = left.clamp(0, self.width), right.clamp(0, self.width)
        top, bottom = top.clamp(0, self.height), bottom.clamp(0, self.height)
        seen = (right - left) * (bottom - top) >= _LEAST_SHARE * areas
        return torch.stack([boxes[:, 0], left, top, right, bottom], dim=1)[seen]


def draw_batches(
    images: ProbeImages,
    task: ProbeTask,
    ids: Sequence[str],
    params: ProbesParams,
    generator: np.random.Generator,
) -> Iterator[Batch]:
    """Draw `params.steps` batches; every pair comes once before any comes again.

    Args:
        images: Images by id.
        task: Their labels.
        ids: The pairs to train on.
        params: The size of crops and batches, and the number of steps.
        generator: Draws pairs, windows and mirrorings, and nothing else.
    """
    order: list[str] = []
    for _ in range(params.steps):
        while len(order) < params.batch:
            order.extend(ids[place] for place in generator.permutation(len(ids)))
        chosen, order = order[: params.batch], order[params.batch :]
        windows = [_draw_window(params, generator) for _ in chosen]
        yield _cut(images, task, chosen, windows)


def to_float(images: Sequence[Tensor]) -> Tensor:
    """Stack (3, h, w) uint8 images as floats in [0, 1], laid out as convolutions like it."""
    return (torch.stack(list(images)).float() / _WHITE).contiguous(
        memory_format=torch.channels_last
    )


def _draw_window(params: ProbesParams, generator: np.random.Generator) -> _Window:
    height = min(params.crop_height, params.height)
    width = min(params.crop_width, params.width)
    return _Window(
        top=int(generator.integers(params.height - height + 1)),
        left=int(generator.integers(params.width - width + 1)),
        height=height,
        width=width,
        is_mirrored=bool(generator.integers(2)),
    )


def _cut(
    images: ProbeImages, task: ProbeTask, ids: Sequence[str], windows: Sequence[_Window]
) -> Batch:
    pairs = list(zip(ids, windows, strict=True))
    trunks = len(images[ids[0]])
    planes = tuple(
        to_float([window.cut(images[i][trunk]) for i, window in pairs]) for trunk in range(trunks)
    )
    masks = torch.stack([window.cut(task.masks[i]) for i, window in pairs]).long()
    boxes = tuple(window.cut_boxes(task.boxes[i]) for i, window in pairs if i in task.boxes)
    return Batch(planes, masks, boxes)
