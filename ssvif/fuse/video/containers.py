"""Opens videos with FFmpeg, and decodes them as far as they can be."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction

import av
from av import Packet, VideoFrame
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from ssvif.errors import PixelLimitError, VideoError
from ssvif.fuse.video.sources import Kind, Source
from ssvif.params import MAX_PIXELS

# Seconds without a frame after which a camera is taken for dead.
PATIENCE = 10.0
SILENT = f"no frame for {PATIENCE:g} s"

# Playlists and the like would read other files, and addresses, than the one that is named.
_SAFE = {"protocol_whitelist": "file", "format_whitelist": "mov,matroska,avi,mpegts,mpeg"}

ADVICE = {
    Kind.FILE: "expected a video; record or copy it again",
    Kind.PIPE: "expected a video as Matroska or MPEG-TS, which need no end",
    Kind.DEVICE: "expected a camera that no other program uses, and the right to read it (its "
    "group is called video)",
    Kind.STREAM: "check the address and the password, and that the camera is on",
}
_TAG = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


@dataclass
class Damage:
    """What of a video could not be decoded.

    Args:
        reason: Why the first of it could not; empty where all could.
        seconds: The time of the last frame before.
        packets: How many packets there were, of any kind.
    """

    reason: str = ""
    seconds: float = 0.0
    packets: int = 0

    def note(self, error: av.FFmpegError | None) -> None:
        """Note something that is damaged."""
        self.reason = self.reason or (error and _words(error)) or "Invalid data"


@contextmanager
def open_video(source: Source) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a source for decoding.

    Yields:
        The container and its video stream.

    Raises:
        VideoError: If it cannot be opened, has no video, or its codec is not known here.
        PixelLimitError: If its frames have more pixels than are decoded.
    """
    try:
        container = _open(source)
    except (av.FFmpegError, UnicodeError) as error:
        raise VideoError(
            f"{source.name}: cannot be opened ({_words(error)}); {ADVICE[source.kind]}"
        ) from error
    with container:
        yield container, _stream(source, container)


def decoded(container: InputContainer, stream: VideoStream, damage: Damage) -> Iterator[VideoFrame]:
    """Yield a video's frames; what is damaged is passed over and noted in `damage`."""
    for packet in _packets(container, stream, damage):
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            damage.note(error)
            continue
        for frame in frames:
            if frame.is_corrupt:
                damage.note(None)
            if not damage.reason:
                damage.seconds = frame.time or 0.0
            yield frame


def length(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Return for how many seconds a file says that its video goes on, if it does."""
    if found := _TAG.match(stream.metadata.get("DURATION", "")):
        hours, minutes, seconds = found.groups()
        return Fraction(hours) * 3600 + Fraction(minutes) * 60 + Fraction(seconds)
    if stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    if container.duration and len(container.streams) == 1:
        return Fraction(container.duration, av.time_base)
    return None


def _packets(
    container: InputContainer, stream: VideoStream, damage: Damage
) -> "Iterator[Packet[VideoStream]]":
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.FFmpegError as error:  # nothing can be read after it
            damage.note(error)
            return
        damage.packets += packet.size > 0
        yield packet


def _words(error: Exception) -> str:
    if isinstance(error, av.ExitError):  # its timeout is over
        return SILENT
    return getattr(error, "strerror", None) or str(error)


def _open(source: Source) -> InputContainer:
    if source.kind is Kind.DEVICE:
        options = dict(source.options)
        # No timeout: FFmpeg waits in the driver, where nothing interrupts it.
        return av.open(source.place, format="v4l2", options=options)
    if source.kind is Kind.STREAM:
        # By UDP, what a busy network loses is missing from the pictures.
        return av.open(source.place, options={"rtsp_transport": "tcp"}, timeout=PATIENCE)
    return av.open(f"file:{source.place}", options=dict(_SAFE))


def _stream(source: Source, container: InputContainer) -> VideoStream:
    streams = [one for one in container.streams.video if not _is_cover(one)]
    if not streams:
        raise VideoError(f"{source.name}: no video in it; {ADVICE[source.kind]}")
    stream = streams[0]
    context = stream.codec_context
    if context is None:
        raise VideoError(
            f"{source.name}: its codec is not known here; convert it, such as by ffmpeg -i "
            "INPUT -c:v ffv1 OUTPUT.mkv"
        )
    if context.width * context.height > MAX_PIXELS:
        raise PixelLimitError(
            f"{source.name}: {context.width}x{context.height} are more than {MAX_PIXELS} pixels; "
            "cut or shrink the video"
        )
    # Several frames in work at once would be lost with the one that is damaged.
    stream.thread_type = "SLICE"
    return stream


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & Disposition.attached_pic)
