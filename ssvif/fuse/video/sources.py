"""Says what is a video source, and of which kind; imports nothing heavy."""

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from ssvif.errors import VideoError

SUFFIXES = frozenset(
    {".avi", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ts", ".webm"}
)

# What is written; `-` is raw frames.
WRITTEN = frozenset({".mp4", ".mkv"})

_DEVICE = re.compile(r"/dev/(?:video\d+|v4l/[^,]+)")
_STREAM = re.compile(r"rtsps?://", re.IGNORECASE)
_SECRET = re.compile(r"//[^/?#]*@")
_DEVICE_OPTIONS = ("video_size", "framerate", "input_format")


class Kind(Enum):
    """How a source behaves."""

    FILE = "file"  # can be read again, and waits for its reader
    PIPE = "pipe"  # waits, too, but comes once and without an end in sight
    DEVICE = "device"  # waits for nobody
    STREAM = "stream"  # waits for nobody, and comes by network


@dataclass(frozen=True)
class Source:
    """Where frames come from.

    Args:
        name: For people; without the password of a stream.
        kind: How it behaves.
        place: A path, or a stream's address.
        options: Of a device, for FFmpeg.
    """

    name: str
    kind: Kind
    place: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        """Whether frames that are not taken in time are lost."""
        return self.kind in (Kind.DEVICE, Kind.STREAM)

    @property
    def endless(self) -> bool:
        """Whether somebody must say when it is enough."""
        return self.kind is not Kind.FILE


def is_video(text: str) -> bool:
    """Tell whether a source is a video by its name: a suffix, a device, an address."""
    video = Path(text).suffix.lower() in SUFFIXES and not Path(text).is_dir()
    return video or bool(_DEVICE.match(text) or _STREAM.match(text))


def find_videos(vis: str | None, ir: str | None) -> tuple[Source, Source] | None:
    """Return two videos, or None where neither is one.

    Args:
        vis: The name of the visible source, if there is one.
        ir: The name of the infrared source, if there is one.

    Raises:
        VideoError: If only one of them is a video, either is not there, or PyAV is missing.
    """
    if vis is None or ir is None or not (is_video(vis) or is_video(ir)):
        return None
    require_pyav()
    return find_source(vis), find_source(ir)


def require_pyav() -> None:
    """Refuse videos where PyAV is missing.

    Raises:
        VideoError: If it is.
    """
    if importlib.util.find_spec("av") is None:
        raise VideoError("videos need PyAV, which is not installed: pip install 'ssvif[video]'")


def find_source(text: str) -> Source:
    """Return the source of a name.

    Args:
        text: A file or a pipe in the file system, an rtsp:// address, or a device such as
            `/dev/video0`, perhaps with options: `/dev/video0,video_size=640x480,framerate=25`.

    Raises:
        VideoError: If it is no video, or there is no such file or device, or no such option.
    """
    if _STREAM.match(text):
        return Source(_SECRET.sub("//", text, count=1), Kind.STREAM, text)
    if device := _DEVICE.match(text):
        return _device(device[0], text[device.end() :].strip(","))
    path = Path(text)
    if not path.exists():
        raise VideoError(f"{path}: no such file")
    if not is_video(text):
        raise VideoError(
            f"{path}: expected a video beside the other one, that is a file that ends in one of "
            f"{' '.join(sorted(SUFFIXES))}, /dev/videoN or rtsp://..."
        )
    return Source(str(path), Kind.FILE if path.is_file() else Kind.PIPE, text)


def _device(place: str, options: str) -> Source:
    if not Path(place).exists():
        found = ", ".join(sorted(map(str, Path("/dev").glob("video*")))) or "none"
        raise VideoError(
            f"{place}: no such device; plug the camera in, or name one that is there ({found})"
        )
    pairs = [option.partition("=") for option in options.split(",") if option]
    for key, _, value in pairs:
        if key not in _DEVICE_OPTIONS or not value:
            raise VideoError(
                f"{place}: expected options such as video_size=640x480, framerate=25 or "
                f"input_format=gray16le, by commas; found {key}"
            )
    return Source(place, Kind.DEVICE, place, {key: value for key, _, value in pairs})
