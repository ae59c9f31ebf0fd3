import socket

import pytest

from ssvif.errors import VideoError
from ssvif.fuse.video import containers
from ssvif.fuse.video.containers import open_video
from ssvif.fuse.video.sources import find_source


def test_open_video__a_stream_that_does_not_answer(monkeypatch):
    monkeypatch.setattr(containers, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = find_source(f"rtsp://127.0.0.1:{server.getsockname()[1]}/live")
        with pytest.raises(VideoError, match=r"cannot be opened \(no frame for 10 s\)"):
            with open_video(source):
                pass
