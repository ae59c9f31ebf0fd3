"""Puts the frames of two sources on one clock.

The times of files begin together, those of devices are the machine's already, and those of streams
are made so.
"""

import time
from collections.abc import Callable
from fractions import Fraction

import av
from av import VideoFrame
from av.container import InputContainer

from ssvif.fuse.video.sources import Kind, Source

TICK = Fraction(1, 90000)  # seconds: what the times of a live video are counted in

_RESTARTS = 0x0200  # AVFMT_TS_DISCONT: the times of such a format begin anywhere
_UNTIMED = "avi"  # has no times of pictures: those that FFmpeg guesses for it go back and forth
_DRIFT = Fraction(1, 10000)  # more than the clocks of cameras differ

Clock = Callable[[VideoFrame], Fraction]


def clock_of(source: Source, container: InputContainer, rate: Fraction) -> Clock:
    """Return what says when a frame is, in seconds.

    Args:
        source: Where the frames are from.
        container: The same, opened.
        rate: Frames a second, for formats that have no times.
    """
    begin: Fraction | None = Fraction(0)
    ordered = container.format.name == _UNTIMED
    if ordered:
        begin = None  # the first picture comes with a later packet
    elif not source.live and container.format.flags & _RESTARTS:
        begin = Fraction(container.start_time or 0, av.time_base)
    last = (begin or 0) - 1 / rate

    def own(frame: VideoFrame) -> Fraction:
        nonlocal begin, last
        ticks = frame.dts if ordered else frame.pts
        if ticks is None or frame.time_base is None:
            last += 1 / rate
        else:
            last = ticks * frame.time_base
        if begin is None:
            begin = last
        return last - begin

    return arrivals(own) if source.kind is Kind.STREAM else own


def arrivals(own: Clock, now: Callable[[], float] = time.monotonic) -> Clock:
    """Return a clock that goes by a stream's own times, set by when its frames come.

    The frames that come with the least delay set it. While a stream is opened, frames pile up, and
    what piled up comes at once; such frames get times that hardly differ.

    Args:
        own: The stream's own times, which begin anywhere.
        now: The machine's clock.
    """
    delay: Fraction | None = None
    last = Fraction(0)

    def clock(frame: VideoFrame) -> Fraction:
        nonlocal delay, last
        at = own(frame)
        found = round(now() / TICK) * TICK - at
        delay = found if delay is None else min(found, delay + _DRIFT * abs(at - last))
        last = at
        return at + delay

    return clock
