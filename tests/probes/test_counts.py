import numpy as np
import pandas as pd
import pytest

from ssvif.probes.counts import COLUMNS, Counts, class_iou, mean_iou, pixel_accuracy

# Two images, classes sky and car; image b has no car, but one is found in it.
ROWS = [
    (0, "a", "s/0", "sky", 60, 70, 64),
    (0, "a", "s/0", "car", 30, 40, 36),
    (0, "b", "s/1", "sky", 90, 100, 100),
    (0, "b", "s/1", "car", 0, 10, 0),
]


@pytest.fixture
def counts():
    return Counts.from_table(pd.DataFrame(ROWS, columns=list(COLUMNS)))


def test_from_table__whatever_the_order_of_its_rows(counts):
    table = pd.DataFrame([ROWS[2], ROWS[0], ROWS[3], ROWS[1]], columns=list(COLUMNS))
    shuffled = Counts.from_table(table)
    assert (shuffled.ids, shuffled.blocks) == (("a", "b"), ("s/0", "s/1"))
    assert shuffled.classes == ("sky", "car")
    np.testing.assert_array_equal(shuffled.union, counts.union)


def test_class_iou__adds_up_pixels_first(counts):
    np.testing.assert_allclose(class_iou(counts), [[150 / 170, 30 / 50]])


def test_class_iou__nan_for_a_class_that_is_not_there(counts):
    iou = class_iou(counts, np.array([[0.0, 1.0]]))
    np.testing.assert_allclose(iou, [[[0.9, np.nan]]])


def test_mean_iou__over_classes_that_occur(counts):
    np.testing.assert_allclose(mean_iou(counts), [(150 / 170 + 30 / 50) / 2])
    np.testing.assert_allclose(mean_iou(counts, np.array([[0.0, 1.0]])), [[0.9]])


def test_mean_iou__foreground(counts):
    np.testing.assert_allclose(mean_iou(counts, foreground=True), [30 / 50])
    assert np.isnan(mean_iou(counts, np.array([[0.0, 1.0]]), foreground=True)).all()


def test_mean_iou__weights_are_repeated_images(counts):
    weights = np.array([[1.0, 1.0], [2.0, 1.0]])
    twice = (210 / 240 + 60 / 90) / 2
    np.testing.assert_allclose(mean_iou(counts, weights), [mean_iou(counts), [twice]])


def test_mean_iou__repetitions_stay_apart():
    other = [(1, *row[1:4], row[6], row[6], row[6]) for row in ROWS]
    table = pd.DataFrame([*ROWS, *other], columns=list(COLUMNS))
    scores = mean_iou(Counts.from_table(table), np.ones((3, 2)))
    np.testing.assert_allclose(scores, [[(150 / 170 + 30 / 50) / 2, 1.0]] * 3)


def test_pixel_accuracy__share_of_labelled_pixels(counts):
    np.testing.assert_allclose(pixel_accuracy(counts), [180 / 200])
    assert np.isnan(pixel_accuracy(counts, np.zeros((1, 2)))).all()
