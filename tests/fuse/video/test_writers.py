import av
import pytest

from ssvif.errors import VideoError
from ssvif.fuse.video.writers import require_output


def test_require_output__without_an_encoder_of_h264(tmp_path, monkeypatch):
    def codec(name, mode):
        if "264" in name:
            raise ValueError(name)
        return real(name, mode)

    real = av.Codec
    monkeypatch.setattr(av, "Codec", codec)
    require_output(tmp_path / "out.mkv")
    with pytest.raises(VideoError, match=r"libx264, libopenh264 here; install its wheel"):
        require_output(tmp_path / "out.mp4")
