import pytest

from ssvif.errors import VideoError
from ssvif.fuse.video import writers
from tests.fuse.video.clips import Recorder, fuse_paths


def test_fuse_videos__without_an_encoder(clips, tmp_path, monkeypatch):
    monkeypatch.setitem(writers._ENCODERS, ".mp4", {"libnothing": {}})
    with pytest.raises(VideoError, match="none of the encoders libnothing"):
        fuse_paths(Recorder(), clips / "vis.mkv", clips / "ir.mkv", tmp_path / "out.mp4")
