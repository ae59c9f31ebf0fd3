"""Fuses pairs of image files into a video: what a rig recorded frame by frame."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing
from fractions import Fraction
from functools import partial
from pathlib import Path

from ssvif.errors import SsvifError, VideoError
from ssvif.fuse.files import Tell, quiet, with_range
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.pair import PLAIN, Manner, PairFuser, attempt
from ssvif.fuse.pairing import FusePair
from ssvif.fuse.video.fuse import FusedVideo, comment_of
from ssvif.fuse.video.reader import Info
from ssvif.fuse.video.writers import Write, open_writer, require_output
from ssvif.threads import in_order

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
    pair_fuser = PairFuser(fuser, with_range(pairs, manner))
    work = partial(attempt, pair_fuser.to_frame)
    pairs = pairs[:max_frames]
    failed: dict[str, str] = {}
    times: list[Fraction] = []
    size, write = (0, 0), None
    with (
        ThreadPoolExecutor(pair_fuser.threads) as pool,
        closing(in_order(pool, work, pairs, ahead=pair_fuser.threads)) as frames,
        ExitStack() as opened,
    ):
        for number, frame in enumerate(frames):
            name = str(pairs[number].vis)
            if isinstance(frame, SsvifError):
                failed[name] = str(frame)
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


def _size(shape: Sequence[int]) -> str:
    return f"{shape[1]}x{shape[0]}"
