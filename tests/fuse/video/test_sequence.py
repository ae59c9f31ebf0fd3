import subprocess
import sys
from threading import Lock
from time import sleep

import av
import numpy as np
import pytest
from PIL import Image

from ssvif.data.images import write_png
from ssvif.data.synthetic import render_pair
from ssvif.errors import VideoError
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.pair import Manner
from ssvif.fuse.pairing import pair_files
from ssvif.fuse.places import PRETRAINED
from ssvif.fuse.video.sequence import fuse_sequence

NUMBERS = (8, 9, 10, 11)  # as text, 10 would be before 8


@pytest.fixture(scope="module")
def scenes():
    return {number: render_pair(number, seed=0, height=96, width=128) for number in NUMBERS}


@pytest.fixture
def recording(tmp_path, scenes):
    for number, scene in scenes.items():
        write_png(tmp_path / "vis" / f"{number}.png", scene.vis)
        write_png(tmp_path / "ir" / f"{number}.png", scene.ir)
    return tmp_path


@pytest.fixture(scope="module")
def fuser():
    return Fuser.load(PRETRAINED)


def _pairs(recording):
    return pair_files(recording / "vis", recording / "ir", recording / "frames")


def _frames(path):
    with av.open(str(path)) as container:
        return [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode()]


def test_fuse_sequence__a_pair_a_frame_in_counted_order(recording, scenes, fuser):
    told = []
    out = recording / "out.mkv"
    done = fuse_sequence(
        fuser, _pairs(recording), out, rate=10.0, tell=lambda *far: told.append(far)
    )
    assert (done.frames, done.seconds, done.failed) == (4, 0.3, {})
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for (time, image), index, scene in zip(_frames(out), range(4), scenes.values(), strict=True):
        assert time == pytest.approx(index / 10)
        np.testing.assert_array_equal(image, fuser(scene.vis, scene.ir))
    assert not (recording / "frames").exists()


def test_fuse_sequence__what_fails_is_left_out_and_the_rest_keeps_its_times(recording, fuser):
    (recording / "vis" / "9.png").write_bytes(b"not a picture")
    for folder, shape in (("vis", (64, 64, 3)), ("ir", (64, 64))):
        write_png(recording / folder / "10.png", np.full(shape, 99, np.uint8))
    done = fuse_sequence(fuser, _pairs(recording), recording / "out.mkv", rate=10.0)
    assert done.frames == 2
    assert "not a PNG" in done.failed[str(recording / "vis" / "9.png")]
    assert "64x64, and the video 128x96" in done.failed[str(recording / "vis" / "10.png")]
    assert [time for time, _ in _frames(recording / "out.mkv")] == pytest.approx([0.0, 0.3])


def test_fuse_sequence__two_files_of_one_name_are_no_frame(recording, fuser):
    (recording / "vis" / "9.bmp").write_bytes((recording / "vis" / "9.png").read_bytes())
    done = fuse_sequence(fuser, _pairs(recording), recording / "out.mkv", rate=10.0)
    assert done.frames == 3
    [reason] = done.failed.values()
    assert "9.bmp, 9.png, 9.png claim one name" in reason


def test_fuse_sequence__the_network_has_no_more_callers_than_it_takes(recording, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    fuser = Fuser.load(PRETRAINED)  # which remembers how many threads there were
    turns, callers = Lock(), []

    def alone(_, vis, __):
        callers.append(turns.acquire(blocking=False))
        sleep(0.01)
        turns.release()
        return vis

    monkeypatch.setattr(Fuser, "__call__", alone)
    fuse_sequence(fuser, _pairs(recording), recording / "out.mkv", rate=10.0)
    assert callers == [True] * 4


def test_fuse_sequence__nothing_to_show(recording, fuser):
    for path in (recording / "vis").iterdir():
        path.write_bytes(b"not a picture")
    with pytest.raises(VideoError, match="no pair could be fused"):
        fuse_sequence(fuser, _pairs(recording), recording / "out.mp4", rate=10.0)
    assert not (recording / "out.mp4").exists()


def test_fuse_sequence__deep_infrared_has_one_range_however_many_frames(recording, scenes, fuser):
    for number, scene in scenes.items():
        deep = 27_000 + 20 * scene.ir.astype(np.uint16) + 500 * number
        Image.fromarray(deep).save(recording / "ir" / f"{number}.png")
    pairs = _pairs(recording)
    fuse_sequence(fuser, pairs, recording / "all.mkv", rate=10.0)
    fuse_sequence(fuser, pairs, recording / "some.mkv", rate=10.0, max_frames=2)
    some = _frames(recording / "some.mkv")
    assert len(some) == 2
    np.testing.assert_array_equal(some[1][1], _frames(recording / "all.mkv")[1][1])


def test_fuse_sequence__grey_is_a_video_too(recording, fuser):
    manner = Manner(colour="grey")
    done = fuse_sequence(fuser, _pairs(recording), recording / "out.mp4", rate=29.97, manner=manner)
    assert done.frames == 4
    (_, image), *_ = _frames(recording / "out.mp4")
    assert np.ptp(image.astype(int), axis=2).max() <= 4


def _ssvif(*arguments, cwd):
    command = [sys.executable, "-c", "from ssvif.cli.main import main; main()", "fuse", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, check=False)


def test_fuse__folders_to_a_video_and_to_a_pipe(recording):
    done = _ssvif("vis", "ir", "-o", "out.mp4", "--rate", "5", cwd=recording)
    assert done.returncode == 0, done.stderr
    assert b"fused 4 frames (0.60 s)" in done.stdout
    assert len(_frames(recording / "out.mp4")) == 4
    done = _ssvif("vis/*.png", "ir/*.png", "-o", "-", cwd=recording)
    assert len(done.stdout) == 4 * 96 * 128 * 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("vis", "ir", "-o", "out.avi"), b"out.avi: expected a folder"),
        (("vis/8.png", "ir/8.png", "-o", "out.mp4"), b"out.mp4: expected an output that ends in"),
        (("vis", "ir", "-o", "out.mp4", "--segment"), b"--segment is for images"),
        (("vis", "ir", "-o", "out.mp4", "--ray", "local"), b"--ray is for images"),
        (("vis", "ir", "-o", "out", "--ir-range", "5", "4"), b"give black < white"),
        (("vis", "ir", "-o", "out", "--rate", "5"), b"--rate is for a video made of images"),
    ],
)
def test_fuse__refuses_what_makes_no_video(recording, arguments, words):
    done = _ssvif(*arguments, cwd=recording)
    assert done.returncode == 2
    assert words in done.stderr
