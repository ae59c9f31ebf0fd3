import re
import socket
import time
from contextlib import ExitStack, closing, suppress
from threading import Thread

import av
import numpy as np

from ssvif.fuse.video import containers
from ssvif.fuse.video.frames import rgb_converter
from ssvif.fuse.video.fuse import fuse_videos
from ssvif.fuse.video.reader import Reader
from ssvif.fuse.video.sources import find_source
from tests.fuse.video.clips import SIZE, Recorder, read_video, to_frame

_SDP = """v=0\r
o=- 0 0 IN IP4 127.0.0.1\r
s=camera\r
t=0 0\r
m=video 0 RTP/AVP 96\r
a=rtpmap:96 H264/90000\r
a=fmtp:96 packetization-mode=1\r
a=control:track\r
"""


def _answer(connection):
    """Speak RTSP until the client wants frames."""
    heard = b""
    while b"PLAY" not in heard:
        heard = connection.recv(4096)
        if not heard:
            raise ConnectionError
        number = re.search(rb"CSeq: (\d+)", heard)[1].decode()
        said, body = f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\nSession: 1\r\n", ""
        if b"DESCRIBE" in heard:
            body = _SDP
            said += f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        if b"SETUP" in heard:
            said += "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        connection.sendall(f"{said}\r\n{body}".encode())


def _send(connection, rate, began, seconds):
    """Send frames whose grey says when they were seen, as RTP within RTSP, for some seconds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as packets:
        packets.bind(("127.0.0.1", 0))
        packets.setblocking(False)
        place = f"rtp://127.0.0.1:{packets.getsockname()[1]}?pkt_size=1200"
        with av.open(place, "w", format="rtp") as container:
            options = {"tune": "zerolatency", "preset": "ultrafast", "g": "10"}
            stream = container.add_stream("libx264", rate=rate, options=options)
            (stream.height, stream.width), stream.pix_fmt = SIZE, "yuv420p"
            start = time.monotonic()
            for number in range(seconds * rate):
                time.sleep(max(0.0, start + number / rate - time.monotonic()))
                grey = int(20 * (time.monotonic() - began)) % 256
                frame = to_frame(np.full((*SIZE, 3), grey, np.uint8), "yuv420p")
                frame.pts = number
                container.mux(stream.encode(frame))
                with suppress(BlockingIOError):
                    while packet := packets.recv(2048):
                        connection.sendall(b"$\0" + len(packet).to_bytes(2, "big") + packet)


def _camera(server, rate, began, late, seconds=30):
    with suppress(OSError):
        connection, _ = server.accept()
        with connection:
            _answer(connection)
            time.sleep(late)
            _send(connection, rate, began, seconds)
            while connection.recv(4096):  # until the client hangs up
                pass


def test_fuse_videos__two_streams_are_paired_by_when_their_frames_come(tmp_path):
    began, sources_ = time.monotonic(), []
    with ExitStack() as stack:
        for rate, late in ((25, 0.0), (10, 0.7)):
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            Thread(target=_camera, args=(server, rate, began, late), daemon=True).start()
            sources_.append(find_source(f"rtsp://127.0.0.1:{server.getsockname()[1]}/live"))
        recorder = Recorder()
        done = fuse_videos(recorder, *sources_, tmp_path / "o.mp4", max_frames=20)
    assert done.frames == 20
    levels = [
        (int(v[9, 9, 0]), int(i[9, 9])) for v, i in zip(recorder.vis, recorder.ir, strict=True)
    ]
    # Twenty levels are a second; half a slow frame, the codec and a busy machine take some.
    late = np.array([vis - ir for vis, ir in levels])
    assert abs(np.median(late)) <= 4, levels
    assert read_video(tmp_path / "o.mp4")[0][0] == 0


def test_reader__a_stream_that_falls_silent(monkeypatch):
    monkeypatch.setattr(containers, "PATIENCE", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=_camera, args=(server, 50, time.monotonic(), 0.0, 1), daemon=True).start()
        stream = find_source(f"rtsp://127.0.0.1:{server.getsockname()[1]}/live")
        with closing(Reader(stream, rgb_converter(), interrupted=lambda: False)) as reader:
            assert len(list(reader)) > 0
    assert reader.failure == "stopped (no frame for 10 s)"
