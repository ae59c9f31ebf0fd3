"""Reads a video in a thread of its own, a few frames ahead of who works on them."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from threading import Event, Thread

from av import VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from ssvif.errors import SsvifError, VideoError
from ssvif.fuse.video.buffer import Buffer
from ssvif.fuse.video.clocks import TICK, clock_of
from ssvif.fuse.video.containers import (
    ADVICE,
    PATIENCE,
    SILENT,
    Damage,
    decoded,
    length,
    open_video,
)
from ssvif.fuse.video.frames import Convert, TimedFrame, is_deep
from ssvif.fuse.video.sources import Kind, Source

AHEAD = 4  # frames
_LIVE_AHEAD = Fraction(1, 2)  # seconds: both cameras' frames of one time are kept as long
_LOOK = 0.1  # seconds
_USUAL_RATE = Fraction(25)
_FASTEST = 1000  # frames a second: of a rate that is not known, the ticks of a clock are given


@dataclass(frozen=True)
class Info:
    """What a video is.

    Args:
        size: Height and width, as shown.
        deep: Whether it has raw values of more than 8 bits.
        rate: Frames a second, on the average.
        time_base: Seconds that its times are multiples of.
        frames: How many it is thought to have, 0 if nobody knows.
        aspect: Of a pixel, None if it is not said.
    """

    size: tuple[int, int]
    deep: bool
    rate: Fraction
    time_base: Fraction
    frames: int
    aspect: Fraction | None


class Reader:
    """A source that is being read.

    Args:
        source: What is read, from now on.
        convert: Makes arrays of its frames.
        interrupted: Asked now and then: whether to take it for ended.
    """

    def __init__(
        self, source: Source, convert: Convert, *, interrupted: Callable[[], bool]
    ) -> None:
        self.source = source
        self.failure: str | None = None
        self._convert = convert
        self._interrupted = interrupted
        self._opened = Event()
        self._buffer: Buffer[TimedFrame] = Buffer(
            AHEAD,
            drops=source.live,
            patience=PATIENCE if source.live else math.inf,
            interrupted=interrupted,
        )
        self._info: Info | None = None
        self._error: Exception | None = None
        # A camera that is silent would hold up the program's end.
        self._thread = Thread(target=self._run, name=f"read {source.name}", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many frames of a live source nobody had time for."""
        return self._buffer.dropped

    def info(self) -> Info:
        """Return what the video is, when its first frame is there.

        Raises:
            VideoError: If it cannot be opened, has no frame, or is a camera that sends none.
            ImageError: If its frames cannot be taken.
        """
        asked = time.monotonic()
        while not self._opened.wait(_LOOK):
            if self._interrupted():
                raise VideoError(f"{self.source.name}: ended before its first frame")
            # Opening a stream has a timeout of its own, but nothing interrupts a driver.
            if self.source.kind is Kind.DEVICE and time.monotonic() - asked > PATIENCE:
                raise VideoError(f"{self.source.name}: {SILENT}; {ADVICE[Kind.DEVICE]}")
        if self._info is None:
            raise self._error or VideoError(f"{self.source.name}: a video without frames")
        return self._info

    def __iter__(self) -> Iterator[TimedFrame]:
        """Yield the frames, in order."""
        yield from self._buffer
        if self._buffer.starved:
            self.failure = f"stopped ({SILENT})"
        if self._error and not isinstance(self._error, SsvifError):
            raise self._error

    def close(self) -> None:
        """Read no further."""
        self._buffer.close()
        self._thread.join(timeout=10 * _LOOK)

    def _run(self) -> None:
        try:
            with open_video(self.source) as (container, stream):
                self._read(container, stream)
        except Exception as error:  # raised again where the frames are asked for
            self._error = error
            if isinstance(error, SsvifError):
                self.failure = str(error).removeprefix(f"{self.source.name}: ")
        self._opened.set()
        self._buffer.end()

    def _read(self, container: InputContainer, stream: VideoStream) -> None:
        clock = clock_of(self.source, container, _rate(stream))
        damage = Damage()
        last: TimedFrame | None = None
        for frame in decoded(container, stream, damage):
            at = clock(frame)  # before anything that takes time: a stream's frames count from now
            image = self._convert(frame)
            if last is None:
                self._announce(container, stream, frame, image.shape[:2])
            elif image.shape != last.image.shape:
                raise VideoError(f"{self.source.name}: the size changes on the way")
            elif at <= last.time:
                continue
            last = TimedFrame(at, image)
            if not self._buffer.put(last):
                break
        else:
            if not self._interrupted() and last:
                self.failure = self._cut(damage, container, stream, last)
        if damage.reason and not self.failure:
            what = "stopped" if self.source.live else f"damaged after {damage.seconds:.2f} s"
            self.failure = f"{what} ({damage.reason})"

    def _announce(
        self,
        container: InputContainer,
        stream: VideoStream,
        frame: VideoFrame,
        size: tuple[int, ...],
    ) -> None:
        rate, live = _rate(stream), self.source.live
        lasts = None if self.source.endless else length(container, stream)
        if live:
            self._buffer.size = max(AHEAD, round(_LIVE_AHEAD * rate))
        self._info = Info(
            size=(size[0], size[1]),
            deep=is_deep(frame),
            rate=rate,
            time_base=TICK if live or stream.time_base is None else stream.time_base,
            frames=stream.frames or (round(lasts * rate) if lasts else 0),
            aspect=stream.sample_aspect_ratio if frame.rotation % 180 == 0 else None,
        )
        self._opened.set()

    def _cut(
        self, damage: Damage, container: InputContainer, stream: VideoStream, last: TimedFrame
    ) -> str | None:
        """Say what is wrong where a file has less than it announces."""
        lasts = None if self.source.endless else length(container, stream)
        if stream.frames:
            whole = damage.packets >= stream.frames
        else:
            whole = lasts is None or last.time + 3 / _rate(stream) >= lasts
        if whole or lasts is None:
            return None
        return f"damaged: ends after {float(last.time):.2f} s instead of {float(lasts):.2f} s"


def _rate(stream: VideoStream) -> Fraction:
    rates = (stream.average_rate, stream.guessed_rate)
    return next((rate for rate in rates if rate and rate < _FASTEST), _USUAL_RATE)
