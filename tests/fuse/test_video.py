import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from fractions import Fraction
from os import mkfifo
from threading import Event, Thread

import av
import numpy as np
import pytest
from PIL import Image

from ssvif.data.synthetic import render_pair
from ssvif.errors import StorageError, VideoError
from ssvif.fuse.alignment import Alignment
from ssvif.fuse.pair import Manner
from ssvif.fuse.video import frames as frames_module
from ssvif.fuse.video import fuse as fuse_module
from ssvif.fuse.video import sources, writers
from ssvif.fuse.video.clocks import arrivals
from ssvif.fuse.video.frames import TimedFrame, rgb_converter
from ssvif.fuse.video.fuse import fuse_videos
from ssvif.fuse.video.reader import AHEAD, Reader
from ssvif.fuse.video.sources import Kind, Source, find_source, find_videos, is_video
from ssvif.fuse.video.timing import Pairing

SIZE = (96, 128)
COUNT = 14
DEADLINE = 20.0
_MAIN = "from ssvif.cli.main import main; main()"


def _write(path, images, *, codec="ffv1", pixels="bgr0", rate=25, pts=None, tag=None, rotate=None):
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
            frame = _frame(image, pixels, tag)
            frame.pts = number if pts is None else pts[number]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _frame(image, pixels, tag=None):
    if image.dtype == np.uint16:
        return av.VideoFrame.from_ndarray(image, "gray16le")
    kind = "rgb24" if image.ndim == 3 else "gray"
    colours = {"dst_colorspace": tag} if tag else {}
    return av.VideoFrame.from_ndarray(image, kind).reformat(format=pixels, **colours)


def _read(path):
    """Return the times and RGB arrays of a video."""
    with av.open(str(path)) as container:
        found = list(container.decode(video=0))
    times = [frame.pts * frame.time_base for frame in found]
    return times, [frame.to_ndarray(format="rgb24") for frame in found]


@pytest.fixture(scope="module")
def scene():
    """A scene that moves: visible and infrared frames."""
    pair = render_pair(2, seed=0, height=SIZE[0], width=SIZE[1])
    return [np.roll(pair.vis, 3 * k, 1) for k in range(COUNT)], [
        np.roll(pair.ir, 3 * k, 1) for k in range(COUNT)
    ]


@pytest.fixture(scope="module")
def clips(tmp_path_factory, scene):
    """Lossless clips of the scene, a deep infrared one, and an H.264 one; no test may change it."""
    folder = tmp_path_factory.mktemp("clips")
    vis, ir = scene
    _write(folder / "vis.mkv", vis)
    _write(folder / "ir.mkv", ir, pixels="gray")
    _write(folder / "vis.mp4", vis, codec="libx264", pixels="yuv420p")
    deep = [np.full(SIZE, 27000 + 100 * k, np.uint16) for k in range(COUNT)]
    _write(folder / "deep.mkv", deep, pixels="gray16le")
    return folder


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


def _fuse(fuser, vis, ir, out, **options):
    return fuse_videos(fuser, find_source(str(vis)), find_source(str(ir)), out, **options)


def _timed(times):
    return [TimedFrame(Fraction(at), np.zeros((1, 1), np.uint8)) for at in times]


def _pairs(vis, ir, vis_rate, ir_rate):
    pairing = Pairing(
        _timed(vis), _timed(ir), vis_rate=Fraction(vis_rate), ir_rate=Fraction(ir_rate)
    )
    return [(float(a.time), float(b.time)) for a, b in pairing], pairing


def test_pairing__a_slow_infrared_camera_serves_several_frames():
    found, pairing = _pairs([Fraction(k, 30) for k in range(11)], [0, "1/9", "2/9", "1/3"], 30, 9)
    assert [round(ir * 9) for _, ir in found] == [0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3]
    assert (pairing.alone, pairing.ir_ended) == (0, False)


def test_pairing__of_a_fast_infrared_camera_the_nearest_is_taken():
    found, _ = _pairs(
        [0, "0.1", "0.2"], [Fraction(k, 50) + Fraction("0.004") for k in range(12)], 10, 50
    )
    assert found == [(0.0, 0.004), (0.1, 0.104), (0.2, 0.204)]


def test_pairing__frames_without_a_neighbour_in_time_are_left_out():
    found, pairing = _pairs(["0", "0.04", "0.08", "0.5", "0.54"], ["0.08", "0.5"], 25, 25)
    assert found == [(0.08, 0.08), (0.5, 0.5)]
    assert (pairing.alone, pairing.ir_ended) == (2, True)


def test_pairing__goes_by_time_and_not_by_place():
    found, _ = _pairs(["0", "0.04", "0.12"], ["0.001", "0.041", "0.079", "0.121"], 25, 25)
    assert found == [(0.0, 0.001), (0.04, 0.041), (0.12, 0.121)]


def test_fuse_videos__without_loss_equals_fusing_images(clips, scene, fuser, tmp_path):
    done = _fuse(fuser, clips / "vis.mkv", clips / "ir.mkv", tmp_path / "out.mkv")
    assert (done.frames, done.failed) == (COUNT, {})
    times, images = _read(tmp_path / "out.mkv")
    assert times == [Fraction(k, 25) for k in range(COUNT)]
    for image, vis, ir in zip(images, *scene, strict=True):
        np.testing.assert_array_equal(image, fuser(vis, ir))
    assert [path.name for path in tmp_path.iterdir()] == ["out.mkv"]


def test_fuse_videos__times_of_uneven_steps_are_kept(scene, tmp_path):
    steps = [0, 1, 2, 5, 6, 9]
    _write(tmp_path / "vis.mkv", scene[0][:6], pts=steps)
    _write(tmp_path / "ir.mkv", scene[1], pixels="gray")
    recorder = Recorder()
    for name in ("out.mkv", "out.mp4"):
        _fuse(recorder, tmp_path / "vis.mkv", tmp_path / "ir.mkv", tmp_path / name)
        times, _ = _read(tmp_path / name)
        assert times == [Fraction(step, 25) for step in steps]
    for step, ir in zip(steps, recorder.ir, strict=False):
        np.testing.assert_array_equal(ir, scene[1][step])


def test_fuse_videos__of_other_rates(clips, scene, tmp_path):
    _write(tmp_path / "slow.mkv", scene[1][:6], pixels="gray", rate=9)
    recorder = Recorder()
    done = _fuse(recorder, clips / "vis.mkv", tmp_path / "slow.mkv", tmp_path / "out.mp4")
    assert done.frames == COUNT
    for k, ir in enumerate(recorder.ir):
        np.testing.assert_array_equal(ir, scene[1][round(k / 25 * 9)])
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].average_rate == 25


def test_fuse_videos__mp4_is_what_players_play(clips, tmp_path):
    _fuse(Recorder(), clips / "vis.mp4", clips / "ir.mkv", tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
    content = (tmp_path / "out.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    first, again = _read(clips / "vis.mp4")[1], _read(tmp_path / "out.mp4")[1]
    assert np.abs(np.subtract(first, again, dtype=float)).mean() < 3.0


def test_fuse_videos__odd_sides_grow_by_their_edge(tmp_path):
    _write(tmp_path / "vis.mkv", [np.full((65, 67, 3), 90, np.uint8)] * 3)
    _write(tmp_path / "ir.mkv", [np.full((65, 67), 90, np.uint8)] * 3, pixels="gray")
    _fuse(Recorder(), tmp_path / "vis.mkv", tmp_path / "ir.mkv", tmp_path / "out.mp4")
    image = _read(tmp_path / "out.mp4")[1][0]
    assert image.shape == (66, 68, 3)
    assert np.abs(image.astype(int) - 90).max() <= 2


def test_fuse_videos__a_folder_of_images_with_their_times(clips, scene, tmp_path):
    done = _fuse(Recorder(), clips / "vis.mkv", clips / "ir.mkv", tmp_path / "f", max_frames=3)
    assert done.frames == 3
    paths = sorted((tmp_path / "f").iterdir())
    assert [path.name for path in paths] == ["000001.png", "000002.png", "000003.png"]
    np.testing.assert_array_equal(np.asarray(Image.open(paths[2])), scene[0][2])
    assert Image.open(paths[2]).info["ssvif:time"] == "0.080000"
    with pytest.raises(VideoError, match="holds frames already"):
        _fuse(Recorder(), clips / "vis.mkv", clips / "ir.mkv", tmp_path / "f")


def test_fuse_videos__tells_how_far_it_is(clips, tmp_path):
    told = []
    _fuse(
        Recorder(),
        clips / "vis.mkv",
        clips / "ir.mkv",
        tmp_path / "x",
        tell=lambda *a: told.append(a),
    )
    assert told == [(k + 1, COUNT) for k in range(COUNT)]


@pytest.mark.parametrize(
    ("pixels", "tag"), [("yuv420p", None), ("yuv420p", 1), ("yuvj420p", None), ("bgr0", None)]
)
def test_rgb_converter__knows_matrix_and_range(pixels, tag):
    colour = np.full((*SIZE, 3), (200, 60, 30), np.uint8)
    frame = _frame(colour, pixels, tag)
    if tag:
        frame.colorspace = tag
    image = rgb_converter()(frame)
    assert np.abs(image.astype(int) - colour).max() <= 3


def test_rgb_converter__turns_what_was_recorded_upright(tmp_path):
    image = np.full((*SIZE, 3), 30, np.uint8)
    image[:16] = 220  # the top: a quarter turn against the clock brings it to the left
    _write(tmp_path / "v.mp4", [image] * 2, codec="libx264", pixels="yuv420p", rotate=90)
    with av.open(str(tmp_path / "v.mp4")) as container:
        upright = rgb_converter()(next(container.decode(video=0)))
    assert upright.shape == (SIZE[1], SIZE[0], 3)
    assert upright[:, :12].mean() > 200
    assert upright[:, 24:].mean() < 50


def test_infrared__limited_range_becomes_all_greys(tmp_path):
    ir = np.repeat(np.array([[0], [255]], np.uint8), 64, axis=0).repeat(128, axis=1)
    _write(tmp_path / "v.mkv", [np.zeros((128, 128, 3), np.uint8)] * 2)
    _write(
        tmp_path / "i.mp4", [np.repeat(ir[..., None], 3, 2)] * 2, codec="libx264", pixels="yuv420p"
    )
    recorder = Recorder()
    _fuse(recorder, tmp_path / "v.mkv", tmp_path / "i.mp4", tmp_path / "o.mkv")
    assert recorder.ir[0][:56].max() <= 2
    assert recorder.ir[0][72:].min() >= 253


def test_fuse_videos__deep_infrared_has_one_range_over_the_clip(clips, tmp_path):
    recorder = Recorder()
    _fuse(recorder, clips / "vis.mkv", clips / "deep.mkv", tmp_path / "o.mkv")
    levels = [int(ir[0, 0]) for ir in recorder.ir]
    assert levels == [round(255 * k / (COUNT - 1)) for k in range(COUNT)]


def test_fuse_videos__a_given_range_is_taken(clips, tmp_path):
    recorder = Recorder()
    _fuse(
        recorder,
        clips / "vis.mkv",
        clips / "deep.mkv",
        tmp_path / "o.mkv",
        manner=Manner(ir_range=(27000, 27510)),
    )
    assert [int(ir[0, 0]) for ir in recorder.ir[:8]] == [0, 50, 100, 150, 200, 250, 255, 255]


def test_fuse_videos__grey_and_aligned(clips, tmp_path):
    recorder = Recorder()
    manner = Manner(colour="grey", alignment=Alignment(ir_to_vis=((1, 0, 8), (0, 1, 0), (0, 0, 1))))
    _fuse(recorder, clips / "vis.mkv", clips / "ir.mkv", tmp_path / "o.mkv", manner=manner)
    plain = Recorder()
    _fuse(plain, clips / "vis.mkv", clips / "ir.mkv", tmp_path / "p.mkv")
    assert np.array_equal(recorder.ir[0][:, 8:], plain.ir[0][:, :-8])
    _, frames = _read(tmp_path / "o.mkv")
    assert all(np.ptp(image.astype(int), axis=2).max() == 0 for image in frames)


def test_fuse_videos__deep_infrared_without_an_end_needs_a_range(clips, tmp_path):
    live = Source("deep", Kind.PIPE, str(clips / "deep.mkv"))
    with pytest.raises(VideoError, match="--ir-range BLACK WHITE"):
        fuse_videos(Recorder(), find_source(str(clips / "vis.mkv")), live, tmp_path / "o.mkv")
    assert list(tmp_path.iterdir()) == []


def _cut(source, target, share):
    content = source.read_bytes()
    target.write_bytes(content[: int(len(content) * share)])
    return target


@pytest.mark.parametrize("broken", ["vis", "ir"])
def test_fuse_videos__what_could_be_decoded_stays(clips, tmp_path, broken):
    paths = {name: clips / f"{name}.mkv" for name in ("vis", "ir")}
    paths[broken] = _cut(paths[broken], tmp_path / "cut.mkv", 0.6)
    done = _fuse(Recorder(), paths["vis"], paths["ir"], tmp_path / "o.mkv")
    assert 3 < done.frames < COUNT
    assert len(_read(tmp_path / "o.mkv")[0]) == done.frames
    [(name, reason)] = done.failed.items()
    assert name == str(tmp_path / "cut.mkv")
    assert "ends after" in reason
    assert "instead of 0.56 s" in reason
    assert ("infrared video ended first" in done.sentence) == (broken == "ir")


def test_fuse_videos__a_damaged_frame_is_left_out_and_named(clips, tmp_path):
    content = bytearray((clips / "vis.mkv").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(range(40))
    (tmp_path / "v.mkv").write_bytes(content)
    done = _fuse(Recorder(), tmp_path / "v.mkv", clips / "ir.mkv", tmp_path / "o.mkv")
    assert COUNT // 2 <= done.frames < COUNT
    assert done.seconds == 0.52
    assert "damaged after 0." in done.failed[str(tmp_path / "v.mkv")]


def test_fuse_videos__refuses_before_anything_is_written(clips, scene, tmp_path):
    other = _write(tmp_path / "other.mkv", [np.zeros((64, 64), np.uint8)] * 2, pixels="gray")
    late = _write(tmp_path / "late.mkv", scene[1][:3], pixels="gray", pts=[100, 101, 102])
    colour = _write(tmp_path / "colour.mkv", scene[0][:3])
    (tmp_path / "text.mp4").write_text("#EXTM3U\nhttp://127.0.0.1/a.ts\n")
    vis = clips / "vis.mkv"
    with av.open(str(tmp_path / "sound.mkv"), "w") as container:
        sound = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        samples.rate = 8000
        container.mux(sound.encode(samples))
    refused = {
        other: "register the videos",
        late: "record both on one clock",
        colour: "white hot",
        tmp_path / "text.mp4": "cannot be opened",
        tmp_path / "sound.mkv": "no video in it",
    }
    for ir, words in refused.items():
        with pytest.raises(VideoError, match=words):
            _fuse(Recorder(), vis, ir, tmp_path / "out.mp4")
    with pytest.raises(VideoError, match="overwrite its own source"):
        _fuse(Recorder(), vis, clips / "ir.mkv", vis)
    with pytest.raises(VideoError, match=r"\.mp4 or \.mkv"):
        _fuse(Recorder(), vis, clips / "ir.mkv", tmp_path / "out.webm")
    assert not (tmp_path / "out.mp4").exists()
    assert not list(tmp_path.glob(".part-*"))


def test_fuse_videos__without_a_frame(clips, tmp_path):
    _cut(clips / "vis.mkv", tmp_path / "empty.mkv", 0.03)
    with pytest.raises(VideoError, match=r"without frames|cannot be opened"):
        _fuse(Recorder(), tmp_path / "empty.mkv", clips / "ir.mkv", tmp_path / "out.mp4")


def test_fuse_videos__without_an_encoder(clips, tmp_path, monkeypatch):
    monkeypatch.setitem(writers._ENCODERS, ".mp4", {"libnothing": {}})
    with pytest.raises(VideoError, match="none of the encoders libnothing"):
        _fuse(Recorder(), clips / "vis.mkv", clips / "ir.mkv", tmp_path / "out.mp4")


def test_fuse_videos__a_fault_leaves_what_was_there(clips, tmp_path):
    class Broken(Recorder):
        def __call__(self, vis, ir):
            if len(self.vis) == 5:
                raise StorageError("the disk is full")
            return super().__call__(vis, ir)

    (tmp_path / "out.mp4").write_text("before")
    with pytest.raises(StorageError):
        _fuse(Broken(), clips / "vis.mkv", clips / "ir.mkv", tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_fuse_videos__few_frames_are_in_flight(tmp_path, monkeypatch):
    """The first frame is fused when the readers have come to a halt, and they must."""
    long = [np.full((64, 64), k, np.uint8) for k in range(60)]
    _write(tmp_path / "v.mkv", [np.repeat(image[..., None], 3, 2) for image in long])
    _write(tmp_path / "i.mkv", long, pixels="gray")
    decoded = []
    upright = frames_module._upright
    monkeypatch.setattr(
        frames_module, "_upright", lambda *args: decoded.append(1) or upright(*args)
    )
    # In a reader's hand, in its buffer, before the pairing, before the network, and there; twice.
    most = 2 * (1 + AHEAD + 2 + fuse_module._AHEAD + Recorder.callers + 2)

    class Slow(Recorder):
        ahead = 0

        def __call__(self, vis, ir):
            until = time.monotonic() + DEADLINE
            while not self.vis and len(decoded) < 2 * (1 + AHEAD) and time.monotonic() < until:
                time.sleep(0.005)
            self.ahead = max(self.ahead, len(decoded) - 2 * len(self.vis))
            return super().__call__(vis, ir)

    slow = Slow()
    assert _fuse(slow, tmp_path / "v.mkv", tmp_path / "i.mkv", tmp_path / "o.mkv").frames == 60
    assert 2 * AHEAD < slow.ahead <= most


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


def test_arrivals__what_piled_up_does_not_set_the_clock():
    """Frames of 0.1 s; five piled up until 10 s, then each comes 20 to 50 ms after it was seen."""
    delays = [0.02, 0.05, 0.03, 0.02, 0.04]
    seen = [9.5 + k / 10 for k in range(10)]
    come = iter([10.02] * 5 + [at + late for at, late in zip(seen[5:], delays, strict=True)])
    clock = arrivals(lambda k: Fraction(k, 10) + 7, now=lambda: next(come))
    found = [float(clock(k)) for k in range(10)]
    assert max(found[:5]) <= found[5]
    assert found[5:] == pytest.approx([at + 0.02 for at in seen[5:]], abs=1e-4)


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


def _send(connection, rate, began):
    """Send frames whose grey says when they were seen, as RTP within RTSP, until nobody listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as packets:
        packets.bind(("127.0.0.1", 0))
        packets.setblocking(False)
        place = f"rtp://127.0.0.1:{packets.getsockname()[1]}?pkt_size=1200"
        with av.open(place, "w", format="rtp") as container:
            options = {"tune": "zerolatency", "preset": "ultrafast", "g": "10"}
            stream = container.add_stream("libx264", rate=rate, options=options)
            (stream.height, stream.width), stream.pix_fmt = SIZE, "yuv420p"
            start = time.monotonic()
            for number in range(30 * rate):
                time.sleep(max(0.0, start + number / rate - time.monotonic()))
                grey = int(20 * (time.monotonic() - began)) % 256
                frame = _frame(np.full((*SIZE, 3), grey, np.uint8), "yuv420p")
                frame.pts = number
                container.mux(stream.encode(frame))
                with suppress(BlockingIOError):
                    while packet := packets.recv(2048):
                        connection.sendall(b"$\0" + len(packet).to_bytes(2, "big") + packet)


def _camera(server, rate, began, late):
    with suppress(OSError):
        connection, _ = server.accept()
        with connection:
            _answer(connection)
            time.sleep(late)
            _send(connection, rate, began)


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
    assert _read(tmp_path / "o.mp4")[0][0] == 0


def _start(*arguments, cwd, **options):
    command = [sys.executable, "-c", _MAIN, "fuse", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )


def test_command__raw_frames_and_nothing_else_on_standard_output(clips, tmp_path):
    one = _start(clips / "vis.mkv", clips / "ir.mkv", "-o", "-", "--max-frames", "3", cwd=tmp_path)
    raw, said = one.communicate(timeout=DEADLINE)
    assert one.returncode == 0, said
    assert len(raw) == 3 * SIZE[0] * SIZE[1] * 3
    assert b"-s 128x96" in said
    assert b"fused 3 frames" in said


def test_command__exit_code_of_a_damaged_video(clips, tmp_path):
    cut = _cut(clips / "vis.mkv", tmp_path / "cut.mkv", 0.6)
    done = _start(cut, clips / "ir.mkv", "-o", "o.mp4", cwd=tmp_path, text=True)
    said = done.communicate(timeout=DEADLINE)
    assert done.returncode == 3, said
    assert said[1].startswith(f"failed: {cut}: damaged: ends after")


@contextmanager
def _feed(path, images, pixels):
    """Write a video into a FIFO that then stays open, and silent, like a camera that hangs."""
    over = Event()

    def feed():
        try:
            with path.open("wb", buffering=0) as pipe:
                options = {"live": "1", "flush_packets": "1", "cluster_time_limit": "40"}
                with av.open(pipe, "w", format="matroska", options=options) as container:
                    stream = container.add_stream("ffv1", rate=25)
                    stream.height, stream.width = SIZE
                    stream.pix_fmt = pixels
                    for number, image in enumerate(images):
                        frame = _frame(image, pixels)
                        frame.pts = number
                        container.mux(stream.encode(frame))
                    over.wait(DEADLINE)
        except (OSError, av.FFmpegError):
            pass  # nobody reads any more

    thread = Thread(target=feed, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(DEADLINE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command__an_interrupt_finishes_what_has_no_end(scene, tmp_path, number):
    for name in ("v.mkv", "i.mkv"):
        mkfifo(tmp_path / name)
    vis, ir = scene
    with _feed(tmp_path / "v.mkv", 3 * vis, "bgr0"), _feed(tmp_path / "i.mkv", 3 * ir, "gray"):
        live = _start("v.mkv", "i.mkv", "-o", "o.mkv", cwd=tmp_path, text=True)
        until = time.monotonic() + DEADLINE
        while not any(path.stat().st_size for path in tmp_path.glob(".part-*")):
            assert time.monotonic() < until
            assert live.poll() is None, live.communicate()
            time.sleep(0.02)
        live.send_signal(number)
        said = live.communicate(timeout=DEADLINE)
    assert live.returncode == 0, said
    times, _ = _read(tmp_path / "o.mkv")
    assert times == [Fraction(k, 25) for k in range(len(times))]
    assert f"fused {len(times)} frames" in said[0]
    assert not list(tmp_path.glob(".part-*"))


def test_command__of_images_imports_no_av(street, tmp_path):
    code = (
        "import sys; from ssvif.cli.main import app; app(standalone_mode=False)\n"
        "sys.exit('av' in sys.modules)"
    )
    pair = (street / "vis/00.png", street / "ir/00.png", "-o", tmp_path / "o.png")
    command = [sys.executable, "-c", code, "fuse", *map(str, pair)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o.png").exists()
