import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from fractions import Fraction
from os import mkfifo
from threading import Event, Thread

import av
import pytest

from ssvif.cli.main import main
from tests.fuse.video.clips import DEADLINE, SIZE, cut_off, read_video, start_fuse, to_frame


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
                        frame = to_frame(image, pixels)
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


def test_command__raw_frames_and_nothing_else_on_standard_output(clips, tmp_path):
    one = start_fuse(
        clips / "vis.mkv", clips / "ir.mkv", "-o", "-", "--max-frames", "3", cwd=tmp_path
    )
    raw, said = one.communicate(timeout=DEADLINE)
    assert one.returncode == 0, said
    assert len(raw) == 3 * SIZE[0] * SIZE[1] * 3
    assert b"-s 128x96" in said
    assert b"fused 3 frames" in said


def test_command__exit_code_of_a_damaged_video(clips, tmp_path):
    cut = cut_off(clips / "vis.mkv", tmp_path / "cut.mkv", 0.6)
    done = start_fuse(cut, clips / "ir.mkv", "-o", "o.mp4", cwd=tmp_path, text=True)
    said = done.communicate(timeout=DEADLINE)
    assert done.returncode == 3, said
    assert said[1].startswith(f"failed: {cut}: damaged: ends after")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command__an_interrupt_finishes_what_has_no_end(scene, tmp_path, number):
    for name in ("v.mkv", "i.mkv"):
        mkfifo(tmp_path / name)
    vis, ir = scene
    with _feed(tmp_path / "v.mkv", 3 * vis, "bgr0"), _feed(tmp_path / "i.mkv", 3 * ir, "gray"):
        live = start_fuse("v.mkv", "i.mkv", "-o", "o.mkv", cwd=tmp_path, text=True)
        until = time.monotonic() + DEADLINE
        while not any(path.stat().st_size for path in tmp_path.glob(".part-*")):
            assert time.monotonic() < until
            assert live.poll() is None, live.communicate()
            time.sleep(0.02)
        live.send_signal(number)
        said = live.communicate(timeout=DEADLINE)
    assert live.returncode == 0, said
    times, _ = read_video(tmp_path / "o.mkv")
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


def test_command__a_camera_that_falls_silent_has_ended(scene, tmp_path):
    """Named pipes block their readers as a driver does, and interrupt no more than it."""
    for name in ("v.mkv", "i.mkv"):
        mkfifo(tmp_path / name)
    cameras = (
        "from ssvif.cli.main import main; from ssvif.fuse.video import reader, sources\n"
        "sources.Source.live = True; reader.PATIENCE = 0.5; main()"
    )
    command = [sys.executable, "-c", cameras, "fuse", "v.mkv", "i.mkv", "-o", "o.mkv"]
    vis, ir = scene
    with _feed(tmp_path / "v.mkv", vis, "bgr0"), _feed(tmp_path / "i.mkv", ir, "gray"):
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, check=False, timeout=DEADLINE
        )
    assert done.returncode == 3, done.stderr
    assert b"failed: v.mkv: stopped (no frame for 10 s)" in done.stderr
    assert len(read_video(tmp_path / "o.mkv")[0]) > 0


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("o.mp4", "interrupted; run the same command again; a video begins anew"),
        ("frames", "interrupted; frames keeps the frames so far; remove them, or name another"),
    ],
)
def test_command__an_interrupt_says_what_it_left(clips, monkeypatch, capsys, out, words):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("ssvif.fuse.video.fuse.fuse_videos", interrupt)
    sources = (str(clips / "vis.mkv"), str(clips / "ir.mkv"))
    monkeypatch.setattr(sys, "argv", ["ssvif", "fuse", *sources, "-o", out])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert words in capsys.readouterr().err


def test_command__a_rate_of_two_videos_is_refused(clips, monkeypatch, capsys):
    sources = (str(clips / "vis.mkv"), str(clips / "ir.mkv"))
    monkeypatch.setattr(sys, "argv", ["ssvif", "fuse", *sources, "-o", "o.mp4", "--rate", "5"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "--rate is for a video made of images" in capsys.readouterr().err
