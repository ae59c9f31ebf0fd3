import numpy as np
import pytest

from ssvif.data.images import write_png
from ssvif.fuse.marks import Marks, as_words, read_marks

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


@pytest.mark.parametrize("values", [(27000.0, 30000.5), (1e6, 1e-5), (-14.5, 0.1 + 0.2)])
def test_as_words__what_six_digits_hold_keeps_its_text(values):
    assert as_words(values) == " ".join(f"{float(f'{value:.12g}'):g}" for value in values)


def test_as_words__tells_apart_what_differs_later():
    assert as_words([1.00000012, 28000.0625]) == "1.00000012 28000.0625"
