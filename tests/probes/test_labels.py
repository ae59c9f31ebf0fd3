import numpy as np
import pytest
import torch
from PIL import Image

from ssvif.errors import LabelError
from ssvif.probes.labels import fill_boxes, read_boxes, read_class_mask, white_as_target

CLASSES = ("soil", "crop", "weed")


@pytest.fixture
def save_mask(tmp_path):
    def save(values):
        path = tmp_path / "mask.png"
        Image.fromarray(np.asarray(values, np.uint8)).save(path)
        return path

    return save


@pytest.fixture
def save_boxes(tmp_path):
    def save(text):
        path = tmp_path / "boxes.txt"
        path.write_text(text)
        return path

    return save


def test_read_class_mask__halved_by_the_nearest_pixel(save_mask):
    small = np.array([[0, 1], [2, 255]])
    mask = read_class_mask(save_mask(small.repeat(2, 0).repeat(2, 1)), CLASSES, (2, 2))
    assert mask.dtype == torch.uint8
    assert mask.tolist() == small.tolist()


def test_read_class_mask__names_the_file_the_number_and_what_is_known(save_mask):
    with pytest.raises(LabelError, match=r"mask\.png: class 3 is .* 0 soil, 1 crop, 2 weed"):
        read_class_mask(save_mask([[0, 3]]), CLASSES, (1, 2))


def test_read_class_mask__not_an_image(tmp_path):
    (tmp_path / "mask.png").write_text("x")
    with pytest.raises(LabelError, match=r"mask\.png"):
        read_class_mask(tmp_path / "mask.png", CLASSES, (1, 2))


@pytest.mark.parametrize(
    ("classes", "values", "expected"),
    [
        (("background", "target"), [[0, 255], [0, 0]], [[0, 1], [0, 0]]),  # in black and white
        # Classes, and what is ignored: one mask shows no target.
        (("background", "target"), [[0, 255], [0, 1]], [[0, 255], [0, 1]]),
        (CLASSES, [[0, 255]], [[0, 255]]),
    ],
)
def test_white_as_target__where_no_mask_of_the_set_has_a_one(classes, values, expected):
    masks = {str(key): torch.tensor([row], dtype=torch.uint8) for key, row in enumerate(values)}
    found = white_as_target(masks, classes)
    assert [found[key][0].tolist() for key in masks] == expected
    assert [masks[key][0].tolist() for key in masks] == values


def test_read_boxes__in_pixels_of_the_probe(save_boxes):
    boxes = read_boxes(save_boxes("2 0.5 0.5 0.5 0.25\n0 0.0 0.5 0.5 1\n"), CLASSES, (40, 80))
    assert boxes.tolist() == [[3.0, 20.0, 15.0, 60.0, 25.0], [1.0, 0.0, 0.0, 20.0, 40.0]]


def test_read_boxes__drops_what_is_below_a_pixel(save_boxes):
    assert read_boxes(save_boxes("0 0.5 0.5 0.01 0.5\n"), CLASSES, (40, 80)).shape == (0, 5)


def test_read_boxes__nothing_to_see(save_boxes):
    assert read_boxes(save_boxes(""), CLASSES, (40, 80)).shape == (0, 5)


@pytest.mark.parametrize("text", ["3 0.5 0.5 0.1 0.1", "-1 0.5 0.5 0.1 0.1"])
def test_read_boxes__unknown_class(save_boxes, text):
    with pytest.raises(LabelError, match=r"boxes\.txt: class -?\d is not known"):
        read_boxes(save_boxes(text), CLASSES, (40, 80))


@pytest.mark.parametrize("text", ["0 0.5 0.5 0.1", "car 0.5 0.5 0.1 0.1"])
def test_read_boxes__not_boxes(save_boxes, text):
    with pytest.raises(LabelError, match=r"boxes\.txt: expected lines of five numbers"):
        read_boxes(save_boxes(text), CLASSES, (40, 80))


def test_fill_boxes__small_ones_stay_visible():
    boxes = torch.tensor([[2.0, 1, 1, 2, 2], [1.0, 0, 0, 3, 3]])
    assert fill_boxes(boxes, (3, 4)).tolist() == [[1, 1, 1, 0], [1, 2, 1, 0], [1, 1, 1, 0]]


def test_fill_boxes__none():
    assert not fill_boxes(torch.empty(0, 5), (3, 4)).any()
