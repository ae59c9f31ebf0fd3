import pytest

from ssvif.errors import VideoError
from ssvif.fuse.video import sources
from ssvif.fuse.video.frames import rgb_converter
from ssvif.fuse.video.reader import Reader
from ssvif.fuse.video.sources import Kind, find_source, find_videos, is_video


def test_find_videos__by_names(clips, tmp_path, monkeypatch):
    vis, ir = str(clips / "vis.mkv"), str(clips / "ir.mkv")
    assert find_videos(None, None) is None
    assert find_videos("a.png", "b.png") is None
    assert not is_video(str(tmp_path))
    assert [source.kind for source in find_videos(vis, ir)] == [Kind.FILE, Kind.FILE]
    with pytest.raises(VideoError, match="no such file"):
        find_videos(vis, str(tmp_path / "none.mkv"))
    (tmp_path / "a.png").touch()
    with pytest.raises(VideoError, match="expected a video beside"):
        find_videos(vis, str(tmp_path / "a.png"))
    monkeypatch.setattr(sources.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(VideoError, match=r"pip install 'ssvif\[video\]'"):
        find_videos(vis, ir)


def test_find_source__a_stream_shows_no_password():
    source = find_source("rtsp://user:secret@127.0.0.1:9//live?x=1")
    assert source.place == "rtsp://user:secret@127.0.0.1:9//live?x=1"
    assert source.name == "rtsp://127.0.0.1:9//live?x=1"
    assert source.live
    reader = Reader(source, rgb_converter(), interrupted=lambda: False)
    with pytest.raises(VideoError, match="check the address") as refused:
        reader.info()
    assert "secret" not in str(refused.value)


def test_find_source__devices(monkeypatch):
    with pytest.raises(VideoError, match="no such device; plug the camera in"):
        find_source("/dev/video97")
    monkeypatch.setattr(sources.Path, "exists", lambda _: True)
    found = find_source("/dev/video97,video_size=640x480,framerate=25")
    assert (found.place, found.kind) == ("/dev/video97", Kind.DEVICE)
    assert found.options == {"video_size": "640x480", "framerate": "25"}
    with pytest.raises(VideoError, match="expected options such as"):
        find_source("/dev/video97,size=640x480")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("rtsp://user:p@ss@host/live", "rtsp://host/live"),
        ("rtsp://user:p@ss@host?x=@", "rtsp://host?x=@"),
        ("rtsp://host/live@home", "rtsp://host/live@home"),
    ],
)
def test_find_source__nothing_before_the_host_is_shown(address, name):
    assert find_source(address).name == name
