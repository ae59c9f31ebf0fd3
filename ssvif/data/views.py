"""Batches of crops: two shifted views of each scene, exact to the pixel.

A batch is a pure function of (pairs, seed, step), so a resumed run goes on with the batches
that an undisturbed one would have seen, and needs no sampler state.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ssvif.data.images import read_infrared_raw, read_visible
from ssvif.data.scenes import Replay, draw_scenes
from ssvif.seeding import derive_seed, numpy_generator

# Views are shifted by multiples of this, so that embeddings of stride 4 coincide.
ALIGNMENT = 4

# Canonical pairs are files of our own making: a bound against a foreign one.
_MAX_PIXELS = 1 << 28


@dataclass(frozen=True)
class Pair:
    """One registered pair in memory.

    Args:
        vis: Visible, (3, H, W) uint8.
        ir: Infrared, (1, H, W) uint8.
    """

    vis: Tensor
    ir: Tensor


@dataclass(frozen=True)
class Overlap:
    """Where two views of one scene show the same points.

    Args:
        size: Side of the square views, in pixels.
        rows: Rows by which the second view lies below the first; may be negative.
        columns: Columns by which it lies to the right of it; may be negative.
        flipped: Whether the second view is mirrored left to right.
    """

    size: int
    rows: int
    columns: int
    flipped: bool

    def first(self, planes: Tensor) -> Tensor:
        """Cut the common part out of planes (B, C, h, w) of the first view."""
        stride = self.size // planes.shape[-1]
        return planes[
            ..., _common(self.rows, self.size, stride), _common(self.columns, self.size, stride)
        ]

    def second(self, planes: Tensor) -> Tensor:
        """Cut the common part out of planes of the second view, mirrored back."""
        stride = self.size // planes.shape[-1]
        planes = planes.flip(-1) if self.flipped else planes
        return planes[
            ..., _common(-self.rows, self.size, stride), _common(-self.columns, self.size, stride)
        ]


@dataclass(frozen=True)
class Views:
    """A batch: two views of each of B scenes.

    Args:
        vis: Visible, (2 B, 3, S, S) in [0, 1]; the first views, then the second ones.
        ir: Infrared, (2 B, 1, S, S) in [0, 1].
        overlap: What the two have in common.
        seed: A seed for what else is random in this batch.
    """

    vis: Tensor
    ir: Tensor
    overlap: Overlap
    seed: int

    def to(self, device: torch.device) -> "Views":
        """Return the batch on another device, laid out as convolutions like it."""
        layout = torch.channels_last
        vis = self.vis.to(device, memory_format=layout)
        return replace(self, vis=vis, ir=self.ir.to(device, memory_format=layout))


def load_pairs(folder: Path, ids: Sequence[str], *, min_side: int) -> list[Pair]:
    """Read canonical pairs into memory.

    Args:
        folder: `data/pairs`.
        ids: Ids of the manifest.
        min_side: A pair with a shorter side is enlarged to it, keeping its proportions.

    Raises:
        ImageError: If a file is missing or cannot be read.
    """
    pairs = []
    for name in ids:
        vis = read_visible(folder / "vis" / f"{name}.png", max_pixels=_MAX_PIXELS)
        ir = read_infrared_raw(folder / "ir" / f"{name}.png", max_pixels=_MAX_PIXELS)
        planes = np.dstack([vis, ir.astype(np.uint8)]).transpose(2, 0, 1)  # (4, H, W)
        enlarged = _enlarge(torch.from_numpy(np.ascontiguousarray(planes)), min_side)
        pairs.append(Pair(vis=enlarged[:3], ir=enlarged[3:]))
    return pairs


def window_side(size: int, min_overlap: float) -> int:
    """Return the side of the window that holds two views at their largest shift."""
    return size + _max_shift(size, min_overlap)


def draw_views(
    pairs: Sequence[Pair],
    *,
    step: int,
    batch: int,
    size: int,
    min_overlap: float,
    seed: int,
    max_reduction: int = 1,
    replay: Replay | None = None,
) -> Views:
    """Draw the batch of one step.

    Args:
        pairs: At least one; each side at least `window_side(size, min_overlap)`.
        step: The step; epochs are shuffled and gone through without gaps.
        batch: Scenes B.
        size: Side S of the views.
        min_overlap: The least share of a view's area that both views show.
        seed: The stage's seed.
        max_reduction: Up to how many times a scene is reduced, where its pair has room for it.
        replay: How scenes are mixed that an earlier model knows.
    """
    generator = numpy_generator(seed, "views", step)
    overlap = _draw_overlap(generator, size=size, min_overlap=min_overlap)
    side = window_side(size, min_overlap)
    windows = [
        _draw_window(pairs[index], side=side, max_reduction=max_reduction, generator=generator)
        for index in draw_scenes(len(pairs), step=step, batch=batch, seed=seed, replay=replay)
    ]
    stacked = torch.stack(windows) / 255.0  # (B, 4, side, side)
    top, left = max(0, -overlap.rows), max(0, -overlap.columns)
    first = stacked[..., top : top + size, left : left + size]
    top, left = top + overlap.rows, left + overlap.columns
    second = stacked[..., top : top + size, left : left + size]
    planes = torch.cat([first, second.flip(-1) if overlap.flipped else second])
    return Views(
        vis=planes[:, :3].contiguous(),
        ir=planes[:, 3:].contiguous(),
        overlap=overlap,
        seed=derive_seed(seed, "augment", step),
    )


def _max_shift(size: int, min_overlap: float) -> int:
    """Return the largest shift along both axes at once that keeps the overlap."""
    return int(size * (1.0 - min_overlap**0.5)) // ALIGNMENT * ALIGNMENT


def _common(shift: int, size: int, stride: int) -> slice:
    return slice(max(0, shift) // stride, (size + min(0, shift)) // stride)


def _draw_overlap(generator: np.random.Generator, *, size: int, min_overlap: float) -> Overlap:
    most = _max_shift(size, min_overlap) // ALIGNMENT
    rows, columns = (ALIGNMENT * int(shift) for shift in generator.integers(-most, most + 1, 2))
    return Overlap(size=size, rows=rows, columns=columns, flipped=bool(generator.integers(2)))


def _draw_window(
    pair: Pair, *, side: int, max_reduction: int, generator: np.random.Generator
) -> Tensor:
    """Cut one window (4, side, side) out of both modalities, mirrored half of the times."""
    height, width = pair.ir.shape[-2:]
    room = min(height, width) // side
    reduction = int(generator.integers(1, max(1, min(room, max_reduction)) + 1))
    cut = side * reduction
    top = int(generator.integers(height - cut + 1))
    left = int(generator.integers(width - cut + 1))
    rows, columns = slice(top, top + cut), slice(left, left + cut)
    window = torch.cat([pair.vis[:, rows, columns], pair.ir[:, rows, columns]]).float()
    window = F.avg_pool2d(window, reduction) if reduction > 1 else window
    return window.flip(-1) if generator.integers(2) else window


def _enlarge(planes: Tensor, min_side: int) -> Tensor:
    height, width = planes.shape[-2:]
    scale = min_side / min(height, width)
    if scale <= 1.0:
        return planes
    size = (round(height * scale), round(width * scale))
    resized = F.interpolate(planes[None].float(), size=size, mode="bilinear", antialias=False)
    return resized[0].round().to(torch.uint8)
