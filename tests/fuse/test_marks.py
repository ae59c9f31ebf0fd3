import numpy as np

from ssvif.data.images import write_png
from ssvif.fuse.marks import Marks, read_marks

MARKS = Marks("a" * 64, "b" * 64, "c" * 64, "27000 30000", "machine")
IMAGE = np.zeros((8, 8, 3), np.uint8)


def test_read_marks__what_was_written(tmp_path):
    write_png(tmp_path / "a.png", IMAGE, text=MARKS.as_text())
    assert read_marks(tmp_path / "a.png") == MARKS


def test_as_text__eight_bits_have_no_range():
    assert list(Marks("a", "b", "c").as_text()) == ["ssvif:weights", "ssvif:vis", "ssvif:ir"]


def test_read_marks__an_image_that_does_not_say(tmp_path):
    write_png(tmp_path / "a.png", IMAGE, text={"ssvif:vis": "b" * 64, "Software": "x"})
    assert read_marks(tmp_path / "a.png") is None


def test_read_marks__no_image(tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    assert read_marks(tmp_path / "a.png") is None
    assert read_marks(tmp_path / "none.png") is None
