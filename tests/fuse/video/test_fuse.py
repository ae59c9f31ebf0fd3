import time
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from ssvif.errors import StorageError, VideoError
from ssvif.fuse.alignment import Alignment
from ssvif.fuse.pair import Manner
from ssvif.fuse.video import frames as frames_module
from ssvif.fuse.video import fuse as fuse_module
from ssvif.fuse.video.fuse import fuse_videos
from ssvif.fuse.video.reader import AHEAD
from ssvif.fuse.video.sources import Kind, Source, find_source
from tests.fuse.video.clips import (
    COUNT,
    DEADLINE,
    SIZE,
    Recorder,
    cut_off,
    fuse_paths,
    read_video,
    write_video,
)


def test_fuse_videos__without_loss_equals_fusing_images(clips, scene, fuser, tmp_path):
    done = fuse_paths(fuser, clips / "vis.mkv", clips / "ir.mkv", tmp_path / "out.mkv")
    assert (done.frames, done.failed) == (COUNT, {})
    times, images = read_video(tmp_path / "out.mkv")
    assert times == [Fraction(k, 25) for k in range(COUNT)]
    for image, vis, ir in zip(images, *scene, strict=True):
        np.testing.assert_array_equal(image, fuser(vis, ir))
    assert [path.name for path in tmp_path.iterdir()] == ["out.mkv"]


def test_fuse_videos__times_of_uneven_steps_are_kept(scene, tmp_path):
    steps = [0, 1, 2, 5, 6, 9]
    write_video(tmp_path / "vis.mkv", scene[0][:6], pts=steps)
    write_video(tmp_path / "ir.mkv", scene[1], pixels="gray")
    recorder = Recorder()
    for name in ("out.mkv", "out.mp4"):
        fuse_paths(recorder, tmp_path / "vis.mkv", tmp_path / "ir.mkv", tmp_path / name)
        times, _ = read_video(tmp_path / name)
        assert times == [Fraction(step, 25) for step in steps]
    for step, ir in zip(steps, recorder.ir, strict=False):
        np.testing.assert_array_equal(ir, scene[1][step])


def test_fuse_videos__of_other_rates(clips, scene, tmp_path):
    write_video(tmp_path / "slow.mkv", scene[1][:6], pixels="gray", rate=9)
    recorder = Recorder()
    done = fuse_paths(recorder, clips / "vis.mkv", tmp_path / "slow.mkv", tmp_path / "out.mp4")
    assert done.frames == COUNT
    for k, ir in enumerate(recorder.ir):
        np.testing.assert_array_equal(ir, scene[1][round(k / 25 * 9)])
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].average_rate == 25


def test_fuse_videos__mp4_is_what_players_play(clips, tmp_path):
    fuse_paths(Recorder(), clips / "vis.mp4", clips / "ir.mkv", tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
    content = (tmp_path / "out.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    first, again = read_video(clips / "vis.mp4")[1], read_video(tmp_path / "out.mp4")[1]
    assert np.abs(np.subtract(first, again, dtype=float)).mean() < 3.0


def test_fuse_videos__odd_sides_grow_by_their_edge(tmp_path):
    write_video(tmp_path / "vis.mkv", [np.full((65, 67, 3), 90, np.uint8)] * 3)
    write_video(tmp_path / "ir.mkv", [np.full((65, 67), 90, np.uint8)] * 3, pixels="gray")
    fuse_paths(Recorder(), tmp_path / "vis.mkv", tmp_path / "ir.mkv", tmp_path / "out.mp4")
    image = read_video(tmp_path / "out.mp4")[1][0]
    assert image.shape == (66, 68, 3)
    assert np.abs(image.astype(int) - 90).max() <= 2


def test_fuse_videos__a_folder_of_images_with_their_times(clips, scene, tmp_path):
    done = fuse_paths(Recorder(), clips / "vis.mkv", clips / "ir.mkv", tmp_path / "f", max_frames=3)
    assert done.frames == 3
    paths = sorted((tmp_path / "f").iterdir())
    assert [path.name for path in paths] == ["000001.png", "000002.png", "000003.png"]
    np.testing.assert_array_equal(np.asarray(Image.open(paths[2])), scene[0][2])
    assert Image.open(paths[2]).info["ssvif:time"] == "0.080000"
    with pytest.raises(VideoError, match="holds frames already"):
        fuse_paths(Recorder(), clips / "vis.mkv", clips / "ir.mkv", tmp_path / "f")


def test_fuse_videos__tells_how_far_it_is(clips, tmp_path):
    told = []
    fuse_paths(
        Recorder(),
        clips / "vis.mkv",
        clips / "ir.mkv",
        tmp_path / "x",
        tell=lambda *a: told.append(a),
    )
    assert told == [(k + 1, COUNT) for k in range(COUNT)]


def test_fuse_videos__infrared_of_limited_range_becomes_all_greys(tmp_path):
    ir = np.repeat(np.array([[0], [255]], np.uint8), 64, axis=0).repeat(128, axis=1)
    write_video(tmp_path / "v.mkv", [np.zeros((128, 128, 3), np.uint8)] * 2)
    write_video(
        tmp_path / "i.mp4", [np.repeat(ir[..., None], 3, 2)] * 2, codec="libx264", pixels="yuv420p"
    )
    recorder = Recorder()
    fuse_paths(recorder, tmp_path / "v.mkv", tmp_path / "i.mp4", tmp_path / "o.mkv")
    assert recorder.ir[0][:56].max() <= 2
    assert recorder.ir[0][72:].min() >= 253


def test_fuse_videos__deep_infrared_has_one_range_over_the_clip(clips, tmp_path):
    recorder = Recorder()
    fuse_paths(recorder, clips / "vis.mkv", clips / "deep.mkv", tmp_path / "o.mkv")
    levels = [int(ir[0, 0]) for ir in recorder.ir]
    assert levels == [round(255 * k / (COUNT - 1)) for k in range(COUNT)]


def test_fuse_videos__a_given_range_is_taken(clips, tmp_path):
    recorder = Recorder()
    fuse_paths(
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
    fuse_paths(recorder, clips / "vis.mkv", clips / "ir.mkv", tmp_path / "o.mkv", manner=manner)
    plain = Recorder()
    fuse_paths(plain, clips / "vis.mkv", clips / "ir.mkv", tmp_path / "p.mkv")
    assert np.array_equal(recorder.ir[0][:, 8:], plain.ir[0][:, :-8])
    _, frames = read_video(tmp_path / "o.mkv")
    assert all(np.ptp(image.astype(int), axis=2).max() == 0 for image in frames)


def test_fuse_videos__deep_infrared_without_an_end_needs_a_range(clips, tmp_path):
    live = Source("deep", Kind.PIPE, str(clips / "deep.mkv"))
    with pytest.raises(VideoError, match="--ir-range BLACK WHITE"):
        fuse_videos(Recorder(), find_source(str(clips / "vis.mkv")), live, tmp_path / "o.mkv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("broken", ["vis", "ir"])
def test_fuse_videos__what_could_be_decoded_stays(clips, tmp_path, broken):
    paths = {name: clips / f"{name}.mkv" for name in ("vis", "ir")}
    paths[broken] = cut_off(paths[broken], tmp_path / "cut.mkv", 0.6)
    done = fuse_paths(Recorder(), paths["vis"], paths["ir"], tmp_path / "o.mkv")
    assert 3 < done.frames < COUNT
    assert len(read_video(tmp_path / "o.mkv")[0]) == done.frames
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
    done = fuse_paths(Recorder(), tmp_path / "v.mkv", clips / "ir.mkv", tmp_path / "o.mkv")
    assert COUNT // 2 <= done.frames < COUNT
    assert done.seconds == 0.52
    assert "damaged after 0." in done.failed[str(tmp_path / "v.mkv")]


def test_fuse_videos__refuses_before_anything_is_written(clips, scene, tmp_path):
    other = write_video(tmp_path / "other.mkv", [np.zeros((64, 64), np.uint8)] * 2, pixels="gray")
    late = write_video(tmp_path / "late.mkv", scene[1][:3], pixels="gray", pts=[100, 101, 102])
    colour = write_video(tmp_path / "colour.mkv", scene[0][:3])
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
            fuse_paths(Recorder(), vis, ir, tmp_path / "out.mp4")
    with pytest.raises(VideoError, match="overwrite its own source"):
        fuse_paths(Recorder(), vis, clips / "ir.mkv", vis)
    with pytest.raises(VideoError, match=r"\.mp4 or \.mkv"):
        fuse_paths(Recorder(), vis, clips / "ir.mkv", tmp_path / "out.webm")
    assert not (tmp_path / "out.mp4").exists()
    assert not list(tmp_path.glob(".part-*"))


def test_fuse_videos__without_a_frame(clips, tmp_path):
    cut_off(clips / "vis.mkv", tmp_path / "empty.mkv", 0.03)
    with pytest.raises(VideoError, match=r"without frames|cannot be opened"):
        fuse_paths(Recorder(), tmp_path / "empty.mkv", clips / "ir.mkv", tmp_path / "out.mp4")


def test_fuse_videos__a_fault_leaves_what_was_there(clips, tmp_path):
    class Broken(Recorder):
        def __call__(self, vis, ir):
            if len(self.vis) == 5:
                raise StorageError("the disk is full")
            return super().__call__(vis, ir)

    (tmp_path / "out.mp4").write_text("before")
    with pytest.raises(StorageError):
        fuse_paths(Broken(), clips / "vis.mkv", clips / "ir.mkv", tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_fuse_videos__few_frames_are_in_flight(tmp_path, monkeypatch):
    """The first frame is fused when the readers have come to a halt, and they must."""
    long = [np.full((64, 64), k, np.uint8) for k in range(60)]
    write_video(tmp_path / "v.mkv", [np.repeat(image[..., None], 3, 2) for image in long])
    write_video(tmp_path / "i.mkv", long, pixels="gray")
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
    assert fuse_paths(slow, tmp_path / "v.mkv", tmp_path / "i.mkv", tmp_path / "o.mkv").frames == 60
    assert 2 * AHEAD < slow.ahead <= most


def test_fuse_videos__false_colour_on_the_way(clips, scene, tmp_path):
    black = np.zeros((*SIZE, 3), np.uint8)
    path = write_video(tmp_path / "ir.mkv", [*[black] * 5, *scene[0][5:]])
    done = fuse_paths(Recorder(), clips / "vis.mkv", path, tmp_path / "o.mkv")
    assert 5 <= done.frames < COUNT
    assert done.ir_ended
    assert "the infrared video is in colour" in done.failed[str(path)]
