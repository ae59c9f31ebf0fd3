import numpy as np
import pytest

from ssvif.data.labels import load_boxes, load_mask
from ssvif.errors import PairError

VOC = """<annotation><size><width>200</width></size>
<object><name>People</name><bndbox><xmin>20</xmin><ymin>10</ymin><xmax>60</xmax><ymax>50</ymax>
</bndbox></object></annotation>"""


def _boxes(tmp_path, text, suffix="txt"):
    path = tmp_path / f"a.{suffix}"
    path.write_text(text)
    return load_boxes(path, height=100, width=200)


def test_load_mask__fits(tmp_path, save):
    labels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    path = save(tmp_path / "a.png", labels)
    np.testing.assert_array_equal(load_mask(path, height=2, width=3, max_pixels=10), labels)


def test_load_mask__other_size(tmp_path, save):
    path = save(tmp_path / "a.png", np.zeros((2, 3), np.uint8))
    with pytest.raises(PairError, match="3x2, the pair 640x480") as caught:
        load_mask(path, height=480, width=640, max_pixels=10)
    assert caught.value.code == "mask_dropped"


def test_load_mask__not_an_image(tmp_path):
    (tmp_path / "a.png").write_text("x")
    with pytest.raises(PairError) as caught:
        load_mask(tmp_path / "a.png", height=2, width=3, max_pixels=10)
    assert caught.value.code == "mask_dropped"


def test_load_boxes__yolo(tmp_path):
    text = "0  0.5  0.5 0.1 0.2  \n\n2 0.25 0.25 0.5 0.5"
    assert _boxes(tmp_path, text) == (
        "0 0.500000 0.500000 0.100000 0.200000\n2 0.250000 0.250000 0.500000 0.500000\n"
    )


def test_load_boxes__pascal_voc(tmp_path):
    assert _boxes(tmp_path, VOC, "xml") == "0 0.200000 0.300000 0.200000 0.400000\n"


def test_load_boxes__nothing_to_see(tmp_path):
    assert _boxes(tmp_path, "") == ""


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ("0 0.5 0.5", "txt"),
        ("0 0.5 0.5 nan 0.1", "txt"),
        ("0 30 40 50 60", "txt"),
        ("person 0.5 0.5 0.1 0.1", "txt"),
        ("\x00\xff", "txt"),
        ("<annotation>", "xml"),
        (VOC.replace("People", "Ufo"), "xml"),
        (VOC.replace("<xmin>20</xmin>", ""), "xml"),
        ('<!DOCTYPE a [<!ENTITY b "c">]>' + VOC, "xml"),
        ("0 0.1 0.1 0.1 0.1\n" * 70000, "txt"),
    ],
)
def test_load_boxes__not_understood(tmp_path, text, suffix):
    with pytest.raises(PairError) as caught:
        _boxes(tmp_path, text, suffix)
    assert caught.value.code == "boxes_dropped"
