"""Fuses pairs of image files into a video: what a rig recorded frame by frame."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from ssvif.data.images import UInt8Image
from ssvif.errors import SsvifError, VideoError
from ssvif.fuse.colour import coloured
from ssvif.fuse.files import PLAIN, Manner, Tell, in_order, quiet, read_pair, with_range
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.pairing import FusePair
from ssvif.fuse.video.fuse import FusedVideo, comment_of
from ssvif.fuse.video.reader import Info
from ssvif.fuse.video.writers import Write, open_writer, require_output

_SPARE_THREADS = 1  # while pairs are fused, another one is read

# Rates such as 30000/1001 are given as 29.97.
_LARGEST_DENOMINATOR = 1001


def fuse_sequence(
    fuser: Fuser,
    pairs: Sequence[FusePair],
    out: Path,
    *,
    rate: float,
    manner: Manner = PLAIN,
    max_frames: int | None = None,
    tell: Tell = quiet,
) -> FusedVideo:
    """Fuse image files of one size into a video, a pair a frame.

    A pair that fails is left out and reported; the others keep their times.

    Args:
        fuser: What fuses.
        pairs: The files, in the video's order; their outputs do not count.
        out: A video (.mp4, or .mkv without loss), or `-` for raw frames.
        rate: Frames a second.
        manner: How; the range of infrared with more than 8 bits is by default that of all pairs.
            Videos are not segmented.
        max_frames: The most pairs that are fused.
        tell: See `ssvif.fuse.files.fuse_files`.

    Raises:
        VideoError: If no pair can be fused, or the video cannot be written.
        StorageError: If the output cannot be written for want of space or permission.
    """
    require_output(out)
    exact = Fraction(rate).limit_denominator(_LARGEST_DENOMINATOR)
    fuser = fuser.for_many()
    work = partial(_frame, fuser, with_range(pairs, manner))
    pairs = pairs[:max_frames]
    failed: dict[str, str] = {}
    times: list[Fraction] = []
    size, write = (0, 0), None
    with ThreadPoolExecutor(fuser.callers + _SPARE_THREADS) as pool, ExitStack() as opened:
        for number, frame in enumerate(in_order(pool, work, pairs)):
            name = str(pairs[number].vis)
            if isinstance(frame, str):
                failed[name] = frame
            elif write is not None and frame.shape[:2] != size:
                failed[name] = f"{_size(frame.shape)}, and the video {_size(size)}; scale it before"
            else:
                if write is None:
                    size = frame.shape[:2]
                    write = opened.enter_context(_writer(fuser, out, size, exact, len(pairs)))
                times.append(number / exact)
                write(frame, times[-1])
            tell(number + 1, len(pairs))
        if write is None:
            raise VideoError(f"no pair could be fused, {'; '.join(list(failed.values())[:1])}")
    return FusedVideo(frames=len(times), seconds=float(times[-1] - times[0]), failed=failed)


def _writer(
    fuser: Fuser, out: Path, size: tuple[int, int], rate: Fraction, frames: int
) -> AbstractContextManager[Write]:
    info = Info(size, deep=False, rate=rate, time_base=1 / rate, frames=frames, aspect=None)
    return open_writer(out, info, comment=comment_of(fuser))


def _frame(fuser: Fuser, manner: Manner, pair: FusePair) -> UInt8Image | str:
    """Fuse a pair to a frame (H, W, 3), or say why it failed."""
    try:
        vis, ir = read_pair(pair, manner)
        image = coloured(fuser(vis, ir), ir, manner.colour)
    except SsvifError as error:
        return str(error)
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def _size(shape: Sequence[int]) -> str:
    return f"{shape[1]}x{shape[0]}"
