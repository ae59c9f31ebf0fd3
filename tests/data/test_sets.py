import numpy as np
import pytest

from ssvif.data.layouts import Capture
from ssvif.data.sets import SetInfo, infrared_range, read_set_info, write_set_info
from ssvif.errors import CapturesError


def _captures(paths):
    return [Capture("set", path.stem, None, path) for path in paths]


def test_set_info__reads_back(tmp_path):
    info = SetInfo(layout="tno", infrared_range=(7000.0, 9000.5))
    write_set_info(tmp_path, info)
    assert read_set_info(tmp_path) == info


def test_set_info__none(tmp_path):
    assert read_set_info(tmp_path) is None


@pytest.mark.parametrize(
    "text",
    ["layuot: tno", "infrared_range: [1]", "infrared_range: [9, 3]", "{", "infrared_range: low"],
)
def test_set_info__mistakes_are_named(tmp_path, text):
    (tmp_path / "set.yaml").write_text(text)
    with pytest.raises(CapturesError, match=r"set\.yaml") as caught:
        read_set_info(tmp_path)
    assert "\n" not in str(caught.value)


def test_infrared_range__eight_bits_have_none(tmp_path, save):
    path = save(tmp_path / "a.png", np.zeros((8, 8), np.uint8))
    assert infrared_range(_captures([path]), percentiles=(0, 100), max_pixels=100) is None


def test_infrared_range__over_the_whole_set(tmp_path, save):
    cold = save(tmp_path / "a.png", np.full((8, 8), 7000, np.uint16))
    warm = save(tmp_path / "b.tiff", np.full((8, 8), 9000, np.uint16))
    (tmp_path / "c.png").write_text("damaged")
    captures = _captures([cold, warm, tmp_path / "c.png"])
    assert infrared_range(captures, percentiles=(0, 100), max_pixels=100) == (7000.0, 9000.0)


def test_infrared_range__floats_and_what_is_not_a_number(tmp_path, save):
    raw = np.array([[290.0, np.nan], [np.inf, 310.0]], np.float32)
    captures = _captures([save(tmp_path / "a.tiff", raw)])
    assert infrared_range(captures, percentiles=(0, 100), max_pixels=100) == (290.0, 310.0)


def test_infrared_range__one_value_only(tmp_path, save):
    captures = _captures([save(tmp_path / "a.png", np.full((8, 8), 500, np.uint16))])
    assert infrared_range(captures, percentiles=(1, 99), max_pixels=100) == (500.0, 501.0)
