"""Fuses two videos: decoding, fusing and writing overlap, and memory stays bounded."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np

from ssvif.data.images import UInt8Image, scale_infrared
from ssvif.data.infrared_range import EIGHT_BITS
from ssvif.errors import VideoError
from ssvif.fuse.files import Tell, quiet
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.pair import PLAIN, Manner, PairFuser
from ssvif.fuse.video.frames import TimedFrame, infrared_converter, rgb_converter
from ssvif.fuse.video.interrupt import until_interrupted
from ssvif.fuse.video.ranges import clip_range
from ssvif.fuse.video.reader import Reader
from ssvif.fuse.video.sources import Source
from ssvif.fuse.video.timing import Pairing
from ssvif.fuse.video.writers import open_writer, require_output
from ssvif.threads import in_order

_AHEAD = 2  # pairs that wait for the network, or fused frames for their turn to be written


@dataclass(frozen=True)
class FusedVideo:
    """What became of two videos.

    Args:
        frames: How many were fused.
        seconds: From the first one to the last one.
        alone: How many visible frames had no infrared one near in time, and are left out.
        ir_ended: Whether the infrared video ended before the visible one.
        dropped: How many visible frames of a camera nobody had time for.
        failed: What is wrong with a video, by its name; what could be decoded was fused.
    """

    frames: int
    seconds: float
    alone: int = 0
    ir_ended: bool = False
    dropped: int = 0
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The same for people, such as `fused 250 frames (9.96 s)`."""
        parts = [f"{self.seconds:.2f} s"]
        parts += [f"{self.alone} had no infrared frame near in time"] if self.alone else []
        parts += ["the infrared video ended first"] if self.ir_ended else []
        parts += [f"{self.dropped} were dropped for want of speed"] if self.dropped else []
        return f"fused {self.frames} frames ({'; '.join(parts)})"


def fuse_videos(
    fuser: Fuser,
    vis: Source,
    ir: Source,
    out: Path,
    *,
    manner: Manner = PLAIN,
    max_frames: int | None = None,
    tell: Tell = quiet,
) -> FusedVideo:
    """Fuse two registered videos of one size, frames paired by their times.

    The visible video leads: its frames, rate and times are kept. Without an end in sight, the first
    Ctrl-C or SIGTERM finishes the output.

    Args:
        fuser: What fuses.
        vis: The visible video.
        ir: The infrared video.
        out: A video (.mp4, or .mkv without loss), a folder for images, or `-` for raw frames.
        manner: How; the range of infrared with more than 8 bits is by default percentiles over the
            whole clip. Videos are not segmented.
        max_frames: The most frames that are fused.
        tell: Called when a frame is done, with how many are and about how many will be, 0 if nobody
            knows.

    Raises:
        VideoError: If a video cannot be opened, the sizes differ, no frames belong together, or
            the output cannot be written.
        StorageError: If the output cannot be written for want of space or permission.
    """
    require_output(out)
    _require_apart(vis, ir, out)
    with (
        until_interrupted(endless=vis.endless or ir.endless) as interrupted,
        closing(Reader(vis, rgb_converter(), interrupted=interrupted)) as vis_reader,
        closing(Reader(ir, infrared_converter(ir.name), interrupted=interrupted)) as ir_reader,
    ):
        info, ir_info = vis_reader.info(), ir_reader.info()
        if manner.alignment is None:
            _require_one_size(vis_reader, ir_reader)
        known = (manner.ir_range or clip_range(ir)) if ir_info.deep else None
        manner = replace(manner, ir_range=known or EIGHT_BITS)
        pairs = Pairing(vis_reader, ir_reader, vis_rate=info.rate, ir_rate=ir_info.rate)
        total = min(info.frames or max_frames or 0, max_frames or info.frames)
        images = _fused(fuser.for_many(), islice(pairs, max_frames), manner)
        times: list[Fraction] = []
        with open_writer(out, info, comment=comment_of(fuser)) as write:
            for done, (time, image) in enumerate(images, start=1):
                times = [*times[:1], time]
                write(image, time - times[0] if vis.live else time)
                tell(done, total)
            if not times:
                raise VideoError(_why_nothing(vis_reader, ir_reader, pairs))
    return FusedVideo(
        frames=done,
        seconds=float(times[-1] - times[0]),
        alone=pairs.alone,
        ir_ended=pairs.ir_ended,
        dropped=vis_reader.dropped,
        failed={
            reader.source.name: reader.failure
            for reader in (vis_reader, ir_reader)
            if reader.failure
        },
    )


def _fused(
    fuser: Fuser, pairs: Iterable[tuple[TimedFrame, TimedFrame]], manner: Manner
) -> Iterator[tuple[Fraction, UInt8Image]]:
    """Yield times and fused images, in order, while others are decoded and written."""
    pair_fuser = PairFuser(fuser, manner)

    def fuse(pair: tuple[TimedFrame, TimedFrame]) -> tuple[Fraction, UInt8Image]:
        vis = pair[0].image.astype(np.uint8, copy=False)
        ir = scale_infrared(pair[1].image, manner.ir_range or EIGHT_BITS)
        return pair[0].time, pair_fuser.frame(vis, ir)

    with ThreadPoolExecutor(fuser.callers) as pool:
        yield from in_order(pool, fuse, pairs, ahead=fuser.callers + _AHEAD)


def comment_of(fuser: Fuser) -> str:
    """Return what a video says of the model that made it."""
    return f"ssvif weights {fuser.weights}" if fuser.weights else "ssvif"


def _require_apart(vis: Source, ir: Source, out: Path) -> None:
    if out.resolve() in {Path(source.place).resolve() for source in (vis, ir)}:
        raise VideoError(f"{out}: would overwrite its own source; choose another output")


def _require_one_size(vis: Reader, ir: Reader) -> None:
    (height, width), (ir_height, ir_width) = vis.info().size, ir.info().size
    if (height, width) != (ir_height, ir_width):
        raise VideoError(
            f"{vis.source.name} is {height}x{width}, {ir.source.name} is {ir_height}x{ir_width}; "
            "register the videos, so that both have one size, or give --align"
        )


def _why_nothing(vis: Reader, ir: Reader, pairs: Pairing) -> str:
    found = " and ".join(
        f"{each.source.name} ({each.failure})" for each in (vis, ir) if each.failure
    )
    return (
        f"no frame of {vis.source.name} has one of {ir.source.name} within "
        f"{float(pairs.tolerance):.3f} s; "
        + (f"see {found}" if found else "record both on one clock, or shift one's time stamps")
    )
