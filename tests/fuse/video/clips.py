"""Clips that are made for a test, and what stands around `ssvif.fuse.video` in it."""

import subprocess
import sys

import av
import numpy as np

from ssvif.fuse.video.fuse import fuse_videos
from ssvif.fuse.video.sources import find_source

SIZE = (96, 128)
COUNT = 14
DEADLINE = 20.0
_MAIN = "from ssvif.cli.main import main; main()"


def write_video(
    path, images, *, codec="ffv1", pixels="bgr0", rate=25, pts=None, tag=None, rotate=None
):
    """Write arrays as a video; `pts` in frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pixels
        if tag is not None:
            stream.codec_context.colorspace = tag
        if rotate is not None:
            stream.set_display_rotation(rotate)
        for number, image in enumerate(images):
            frame = to_frame(image, pixels, tag)
            frame.pts = number if pts is None else pts[number]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def to_frame(image, pixels, tag=None):
    if image.dtype == np.uint16:
        return av.VideoFrame.from_ndarray(image, "gray16le")
    kind = "rgb24" if image.ndim == 3 else "gray"
    colours = {"dst_colorspace": tag} if tag else {}
    return av.VideoFrame.from_ndarray(image, kind).reformat(format=pixels, **colours)


def read_video(path):
    """Return the times and RGB arrays of a video."""
    with av.open(str(path)) as container:
        found = list(container.decode(video=0))
    times = [frame.pts * frame.time_base for frame in found]
    return times, [frame.to_ndarray(format="rgb24") for frame in found]


def cut_off(source, target, share):
    """Write the first share of a file's bytes."""
    content = source.read_bytes()
    target.write_bytes(content[: int(len(content) * share)])
    return target


class Recorder:
    """Stands for a fuser: returns the visible frame, and keeps both."""

    weights = None
    callers = 1

    def __init__(self):
        self.vis, self.ir = [], []

    def for_many(self):
        return self

    def __call__(self, vis, ir):
        self.vis.append(vis)
        self.ir.append(ir)
        return vis


def fuse_paths(fuser, vis, ir, out, **options):
    return fuse_videos(fuser, find_source(str(vis)), find_source(str(ir)), out, **options)


def start_fuse(*arguments, cwd, **options):
    command = [sys.executable, "-c", _MAIN, "fuse", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )
