import numpy as np
import pytest

from ssvif.data.layouts import Capture
from ssvif.data.sets import SetInfo, infrared_range, read_set_info, write_set_info
from ssvif.errors import CapturesError
from ssvif.params import IngestParams


def _captures(paths):
    return [Capture("set", path.stem, None, path) for path in paths]


def test_set_info__reads_back(tmp_path):
    info = SetInfo(
        layout="tno",
        infrared_range=(7000.0, 9000.5),
        classes=("ground", "pipe"),
        box_classes=("pump",),
    )
    write_set_info(tmp_path, info)
    assert read_set_info(tmp_path) == info


def test_set_info__none(tmp_path):
    assert read_set_info(tmp_path) is None


@pytest.mark.parametrize(
    "text",
    [
        "layuot: tno",
        "infrared_range: [1]",
        "infrared_range: [9, 3]",
        "{",
        "infrared_range: low",
        "classes: pipe",
        "classes: [1]",
        "layout: tno\nlayout: tno",
    ],
)
def test_set_info__mistakes_are_named(tmp_path, text):
    (tmp_path / "set.yaml").write_text(text)
    with pytest.raises(CapturesError, match=r"set\.yaml") as caught:
        read_set_info(tmp_path)
    assert "\n" not in str(caught.value)


def test_set_info__a_mistyped_key_is_named(tmp_path):
    (tmp_path / "set.yaml").write_text("layuot: tno")
    with pytest.raises(CapturesError, match=r"unknown key layuot; did you mean layout\?$"):
        read_set_info(tmp_path)


def test_set_info__a_folder_in_its_place(tmp_path):
    (tmp_path / "set.yaml").mkdir()
    with pytest.raises(CapturesError, match=r"set\.yaml: expected a file"):
        read_set_info(tmp_path)


def test_infrared_range__over_the_whole_set_but_for_four_channels(tmp_path, save):
    cold = save(tmp_path / "a.png", np.full((8, 8), 7000, np.uint16))
    warm = save(tmp_path / "b.tiff", np.full((8, 8), 9000, np.uint16))
    both = save(tmp_path / "c.png", np.full((8, 8), 60000, np.uint16))
    captures = [*_captures([cold, warm]), Capture("set", "c", both, both)]
    params = IngestParams(percentiles=(0.0, 100.0))
    assert infrared_range(captures, params) == (7000.0, 9000.0)
