"""Writes fused frames: as a video file, as images in a folder, or raw to standard output."""

import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av import VideoFrame
from av.container import OutputContainer
from av.video.reformatter import ColorRange, VideoReformatter
from av.video.stream import VideoStream

from ssvif.data.images import UInt8Image, write_png
from ssvif.errors import VideoError
from ssvif.files import atomic_path
from ssvif.fuse.video.frames import matrix_tag, to_yuv420
from ssvif.fuse.video.reader import Info

logger = logging.getLogger(__name__)

PIPE = Path("-")

# Takes a frame (H, W, 3) and its time in seconds.
Write = Callable[[UInt8Image, Fraction], None]

# The first one that is there; FFmpeg is built with and without some of them.
_LOSSY: dict[str, dict[str, str]] = {
    # Slower presets would take the cores from the network, for files of about the same size.
    "libx264": {"crf": "18", "preset": "veryfast"},
    "libopenh264": {"b": "8M"},
}
_LOSSLESS: dict[str, dict[str, str]] = {"ffv1": {"level": "3", "slicecrc": "1", "g": "1"}}
_ENCODERS = {".mp4": _LOSSY, ".mkv": _LOSSLESS}
_NUMBERED = re.compile(r"\d{6,}\.png")


def require_output(out: Path) -> None:
    """Refuse an output before any work.

    Raises:
        VideoError: If it is a suffix that is not written, a folder that holds frames already, or a
            terminal.
    """
    if out == PIPE:
        if sys.stdout.isatty():
            raise VideoError("-: raw frames are not for a terminal; pipe them, such as into ffmpeg")
    elif out.suffix.lower() in _ENCODERS:
        if out.is_dir():
            raise VideoError(f"{out}: a folder; name a file that is to be written")
        _encoder(out)
    elif out.is_file() or (out.suffix and not out.is_dir()):
        raise VideoError(
            f"{out}: expected a video that ends in .mp4 or .mkv (lossless), a folder for images, "
            "or - for raw frames"
        )
    elif out.is_dir() and any(_NUMBERED.fullmatch(path.name) for path in out.iterdir()):
        raise VideoError(f"{out}: holds frames already; name a folder that is new or empty")


@contextmanager
def open_writer(out: Path, info: Info, *, comment: str) -> Iterator[Write]:
    """Open an output, which takes frames in the order of their times.

    Args:
        out: A video, which appears when all is written; a folder; or `-`.
        info: Of the visible video.
        comment: What a file says of where it comes from.

    Yields:
        What writes a frame.

    Raises:
        VideoError: If FFmpeg cannot write it, or nobody reads the pipe any more.
        StorageError: If the file cannot be written.
    """
    if out == PIPE:
        height, width = info.size
        words = "raw frames: -f rawvideo -pix_fmt rgb24 -s %dx%d -r %s"
        logger.info(words, width, height, info.rate)
        with open(sys.stdout.fileno(), "wb", buffering=0, closefd=False) as pipe:
            yield _pipe_writer(pipe)
    elif out.suffix.lower() in _ENCODERS:
        with atomic_path(out) as temporary, _container(temporary, out) as container:
            stream = _add_stream(container, out, info)
            container.metadata["comment"] = comment
            yield _video_writer(container, stream)
            container.mux(stream.encode())
    else:
        yield _folder_writer(out)


def _pipe_writer(stream: BinaryIO) -> Write:
    def write(image: UInt8Image, _: Fraction) -> None:
        left = memoryview(np.ascontiguousarray(image).data).cast("B")
        try:
            while left:
                left = left[stream.write(left) :]
        except BrokenPipeError as error:
            raise VideoError("the program that reads the frames has ended") from error

    return write


def _folder_writer(folder: Path) -> Write:
    number = 0

    def write(image: UInt8Image, time: Fraction) -> None:
        nonlocal number
        number += 1
        write_png(folder / f"{number:06d}.png", image, text={"ssvif:time": f"{float(time):.6f}"})

    return write


@contextmanager
def _container(temporary: Path, out: Path) -> Iterator[OutputContainer]:
    try:
        options = {"movflags": "+faststart"} if out.suffix.lower() == ".mp4" else {}
        with av.open(f"file:{temporary}", "w", options=options) as container:
            yield container
    except av.FFmpegError as error:
        if isinstance(error, OSError):  # the disk is full, and the like: of `atomic_path`
            raise OSError(error.errno, error.strerror, str(temporary)) from error
        raise VideoError(f"{out}: cannot be written ({error.strerror})") from error


def _add_stream(container: OutputContainer, out: Path, info: Info) -> VideoStream:
    name, options = _encoder(out)
    height, width = info.size
    stream = container.add_stream(name, rate=info.rate, options=options)
    if not isinstance(stream, VideoStream):
        raise VideoError(f"{name}: expected an encoder of videos")
    stream.height, stream.width = height, width
    context = stream.codec_context
    context.time_base = info.time_base
    if info.aspect:
        context.sample_aspect_ratio = info.aspect
    if out.suffix.lower() == ".mkv":
        stream.pix_fmt = "bgr0"
        return stream
    stream.height, stream.width = height + height % 2, width + width % 2
    if height % 2 or width % 2:
        logger.info("%s: grows to even sides, as H.264 needs them", out)
    stream.pix_fmt = "yuv420p"
    context.colorspace = matrix_tag(height)
    context.color_range = ColorRange.MPEG
    return stream


def _video_writer(container: OutputContainer, stream: VideoStream) -> Write:
    reformatter = VideoReformatter()
    base = stream.codec_context.time_base or Fraction(1, 90000)

    def write(image: UInt8Image, time: Fraction) -> None:
        if stream.pix_fmt == "yuv420p":
            frame = to_yuv420(image, reformatter)
        else:
            frame = reformatter.reformat(VideoFrame.from_ndarray(image, "rgb24"), format="bgr0")
        frame.pts, frame.time_base = round(time / base), base
        container.mux(stream.encode(frame))

    return write


def _encoder(out: Path) -> tuple[str, dict[str, str]]:
    wanted = _ENCODERS[out.suffix.lower()]
    for name, options in wanted.items():
        try:
            av.Codec(name, "w")
        except ValueError:
            continue
        return name, options
    raise VideoError(
        f"{out}: PyAV has none of the encoders {', '.join(wanted)} here; install its wheel from "
        "PyPI, or write .mkv or a folder of images"
    )
