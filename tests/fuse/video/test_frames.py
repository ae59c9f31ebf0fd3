import av
import numpy as np
import pytest

from ssvif.errors import VideoError
from ssvif.fuse.video.frames import infrared_converter, rgb_converter
from tests.fuse.video.clips import SIZE, to_frame, write_video


@pytest.mark.parametrize(
    ("pixels", "tag"), [("yuv420p", None), ("yuv420p", 1), ("yuvj420p", None), ("bgr0", None)]
)
def test_rgb_converter__knows_matrix_and_range(pixels, tag):
    colour = np.full((*SIZE, 3), (200, 60, 30), np.uint8)
    frame = to_frame(colour, pixels, tag)
    if tag:
        frame.colorspace = tag
    image = rgb_converter()(frame)
    assert np.abs(image.astype(int) - colour).max() <= 3


def test_rgb_converter__turns_what_was_recorded_upright(tmp_path):
    image = np.full((*SIZE, 3), 30, np.uint8)
    image[:16] = 220  # the top: a quarter turn against the clock brings it to the left
    write_video(tmp_path / "v.mp4", [image] * 2, codec="libx264", pixels="yuv420p", rotate=90)
    with av.open(str(tmp_path / "v.mp4")) as container:
        upright = rgb_converter()(next(container.decode(video=0)))
    assert upright.shape == (SIZE[1], SIZE[0], 3)
    assert upright[:, :12].mean() > 200
    assert upright[:, 24:].mean() < 50


def _infrared(*images):
    """Convert frames of one infrared video, one after another."""
    convert = infrared_converter("ir.mp4")
    return [convert(to_frame(image, "bgr0")) for image in images]


def test_infrared_converter__false_colour_after_black(scene):
    black = np.full((*SIZE, 3), 2, np.uint8)
    with pytest.raises(VideoError, match=r"ir\.mp4: the infrared video is in colour"):
        _infrared(black, black, scene[0][0])


def test_infrared_converter__false_colour_that_is_switched_on(scene):
    grey = np.repeat(scene[1][0][..., None], 3, axis=2)
    with pytest.raises(VideoError, match="white hot"):
        _infrared(*[grey] * 5, *[scene[0][0]] * 100)


def test_infrared_converter__a_frame_in_colour_now_and_then_is_no_false_colour(scene):
    grey = np.repeat(scene[1][0][..., None], 3, axis=2)
    np.testing.assert_array_equal(_infrared(grey, scene[0][0], grey)[2], scene[1][0])
