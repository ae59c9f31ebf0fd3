import numpy as np
import pytest

from ssvif.data.synthetic import render_pair
from tests.fuse.video.clips import COUNT, SIZE, write_video


@pytest.fixture(scope="session")
def scene():
    """A scene that moves: visible and infrared frames."""
    pair = render_pair(2, seed=0, height=SIZE[0], width=SIZE[1])
    return [np.roll(pair.vis, 3 * k, 1) for k in range(COUNT)], [
        np.roll(pair.ir, 3 * k, 1) for k in range(COUNT)
    ]


@pytest.fixture(scope="session")
def clips(tmp_path_factory, scene):
    """Lossless clips of the scene, a deep infrared one, and an H.264 one; no test may change it."""
    folder = tmp_path_factory.mktemp("clips")
    vis, ir = scene
    write_video(folder / "vis.mkv", vis)
    write_video(folder / "ir.mkv", ir, pixels="gray")
    write_video(folder / "vis.mp4", vis, codec="libx264", pixels="yuv420p")
    deep = [np.full(SIZE, 27000 + 100 * k, np.uint16) for k in range(COUNT)]
    write_video(folder / "deep.mkv", deep, pixels="gray16le")
    return folder
