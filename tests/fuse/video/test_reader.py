import time
from contextlib import closing
from threading import Event

import av
import numpy as np
import pytest

from ssvif.errors import VideoError
from ssvif.fuse.video import reader as reader_module
from ssvif.fuse.video.clocks import TICK
from ssvif.fuse.video.frames import rgb_converter
from ssvif.fuse.video.reader import Reader
from ssvif.fuse.video.sources import Kind, Source, find_source
from tests.fuse.video.clips import COUNT, DEADLINE, SIZE, write_video


def test_reader__of_a_camera_keeps_the_newest(clips):
    """Nobody takes frames until all were read: the oldest are gone."""

    class Camera(Source):
        live = True

    camera = Camera("camera", Kind.FILE, str(clips / "vis.mkv"))
    reader = Reader(camera, rgb_converter(), interrupted=lambda: False)
    reader._thread.join(DEADLINE)
    times = [float(frame.time) for frame in reader]
    assert reader.dropped == COUNT - 12
    assert times == [k / 25 for k in range(COUNT - 12, COUNT)]


def test_reader__asks_a_device_for_what_its_user_wants(clips, monkeypatch):
    asked = []

    def open_(place, **options):
        asked.append((place, options))
        return real(str(clips / "vis.mkv"))

    real = av.open
    monkeypatch.setattr(av, "open", open_)
    device = Source("/dev/video97", Kind.DEVICE, "/dev/video97", {"framerate": "25"})
    with closing(Reader(device, rgb_converter(), interrupted=lambda: False)) as reader:
        assert reader.info().size == SIZE
    [(place, options)] = asked
    assert place == "/dev/video97"
    assert options["format"] == "v4l2"
    assert options["options"] == {"framerate": "25"}


def test_info__of_a_device_that_sends_nothing(monkeypatch):
    over = Event()
    monkeypatch.setattr(av, "open", lambda *_, **__: over.wait(DEADLINE))
    monkeypatch.setattr(reader_module, "PATIENCE", 0.05)
    device = Source("/dev/video97", Kind.DEVICE, "/dev/video97")
    reader = Reader(device, rgb_converter(), interrupted=lambda: False)
    with pytest.raises(VideoError, match="/dev/video97: no frame for 10 s; expected a camera"):
        reader.info()
    over.set()


def test_reader__a_streams_frames_count_from_when_they_come(clips):
    came = []

    def slow(frame):
        came.append(time.monotonic())
        time.sleep(0.05)
        return frame.to_ndarray(format="rgb24")

    stream = Source("stream", Kind.STREAM, str(clips / "vis.mkv"))
    with closing(Reader(stream, slow, interrupted=lambda: False)) as reader:
        first = next(iter(reader))
    assert first.time <= came[0] + TICK


@pytest.mark.parametrize("kind", ["avi", "mkv", "mp4", "ts"])
def test_reader__frames_that_are_stored_out_of_order(tmp_path, kind):
    noise = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    moving = [np.roll(noise, 3 * k, 1) for k in range(30)]
    path = write_video(tmp_path / f"v.{kind}", moving, codec="libx264", pixels="yuv420p")
    with closing(Reader(find_source(str(path)), rgb_converter(), interrupted=bool)) as reader:
        times = [float(frame.time) for frame in reader]
    assert times == pytest.approx([k / 25 for k in range(30)], abs=1e-3)


def test_info__ticks_of_a_clock_are_no_rate(tmp_path):
    images = [np.zeros((*SIZE, 3), np.uint8)] * 3
    source = find_source(str(write_video(tmp_path / "v.mkv", images, rate=90000)))
    with closing(Reader(source, rgb_converter(), interrupted=bool)) as reader:
        assert reader.info().rate == 25
