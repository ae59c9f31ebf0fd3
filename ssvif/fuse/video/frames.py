"""Turns decoded frames into arrays and back, with the right colour matrix and range."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from av import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter

from ssvif.data.images import RawImage, UInt8Image, is_grey
from ssvif.errors import VideoError

Convert = Callable[[VideoFrame], RawImage]

# The fast paths darken by a grey level, and repeat colour instead of interpolating it.
_EXACT = (
    Interpolation.BICUBIC
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.ACCURATE_RND
)
_BT709, _UNSPECIFIED, _BT601 = 1, 2, 6  # AVColorSpace
_HD = 720  # rows
_COLOURED = 0.05  # as of infrared images: a logo or a crosshair is not false colour
_FLAT = 16  # grey levels: a frame with fewer, such as a black one, does not show its colours
_LOOK = 100  # frames from one look for false colour to the next


@dataclass(frozen=True)
class TimedFrame:
    """A frame as an array.

    Args:
        time: Seconds, on the clock of its source.
        image: (H, W, 3) uint8 RGB, or (H, W) uint8 or uint16.
    """

    time: Fraction
    image: RawImage


def matrix_of(height: int) -> Colorspace:
    """Return the colour matrix that players assume where a video does not say."""
    return Colorspace.ITU709 if height >= _HD else Colorspace.ITU601


def rgb_converter() -> Convert:
    """Return what turns frames of one video into (H, W, 3) RGB."""
    reformat = _reformatter("rgb24")
    return lambda frame: _upright(frame, _pixels(reformat(frame)))


def infrared_converter(name: str) -> Convert:
    """Return what turns frames of one infrared video into (H, W), uint8 or raw uint16.

    Args:
        name: Of the video, for refusals.

    Raises:
        VideoError: By what is returned, if a frame is in colour, as far as frames are looked at.
    """
    grey, rgb = _reformatter("gray"), _reformatter("rgb24")
    unseen = 0  # frames until the next look

    def convert(frame: VideoFrame) -> RawImage:
        nonlocal unseen
        if is_deep(frame):
            return _upright(frame, _raw(frame))
        levels = _pixels(grey(frame))
        if not unseen:
            if not is_grey(_pixels(rgb(frame)), coloured_share=_COLOURED):
                raise VideoError(
                    f"{name}: the infrared video is in colour; record it in grey (white hot), not "
                    "in false colours"
                )
            unseen = 1 if np.ptp(levels) < _FLAT else _LOOK
        unseen -= 1
        return _upright(frame, levels)

    return convert


def is_deep(frame: VideoFrame) -> bool:
    """Tell whether a frame holds raw values of more than 8 bits."""
    return frame.format.name.startswith("gray") and 8 < frame.format.components[0].bits <= 16


def to_yuv420(image: UInt8Image, reformatter: VideoReformatter) -> VideoFrame:
    """Return a frame of limited range, with its matrix named; odd sizes grow by a repeated edge.

    Args:
        image: (H, W, 3).
        reformatter: One for all frames of a video.
    """
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return reformatter.reformat(
        VideoFrame.from_ndarray(image, "rgb24"),
        format="yuv420p",
        dst_colorspace=matrix_of(height),
        dst_color_range=ColorRange.MPEG,
        interpolation=_EXACT,
        threads=1,
    )


def matrix_tag(height: int) -> int:
    """Return the AVColorSpace of `matrix_of`, for a file's header."""
    return _BT709 if matrix_of(height) == Colorspace.ITU709 else _BT601


def _reformatter(pixels: str) -> Callable[[VideoFrame], VideoFrame]:
    reformatter = VideoReformatter()

    def reformat(frame: VideoFrame) -> VideoFrame:
        guessed = frame.colorspace == _UNSPECIFIED and not frame.format.is_rgb
        return reformatter.reformat(
            frame,
            format=pixels,
            src_colorspace=matrix_of(frame.height) if guessed else None,
            dst_color_range=ColorRange.JPEG,
            interpolation=_EXACT,
            threads=1,
        )

    return reformat


def _pixels(frame: VideoFrame) -> UInt8Image:
    return frame.to_ndarray().astype(np.uint8, copy=False)


def _raw(frame: VideoFrame) -> RawImage:
    return frame.to_ndarray().astype(np.uint16, copy=False)


def _upright(frame: VideoFrame, image: RawImage) -> RawImage:
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image
