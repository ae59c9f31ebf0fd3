from contextlib import closing

import av

from ssvif.fuse.video.frames import rgb_converter
from ssvif.fuse.video.reader import Reader
from ssvif.fuse.video.sources import Kind, Source
from tests.fuse.video.clips import COUNT, DEADLINE, SIZE


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
    assert options["timeout"] > 0
