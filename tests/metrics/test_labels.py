import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, jaccard_score
from sklearn.metrics import confusion_matrix as sklearn_confusion

from ssvif.errors import ShapeError
from ssvif.metrics.labels import class_iou, confusion_matrix, mean_iou, pixel_accuracy


def by_hand() -> torch.Tensor:
    """Class 0: 2 of 3 right, 1 of class 1 taken for it; class 2 is in neither."""
    target = torch.tensor([[0, 0, 0], [1, 1, 255]])
    predicted = torch.tensor([[0, 0, 1], [0, 1, 2]])
    return confusion_matrix(predicted=predicted, target=target, classes=3)


def test_confusion_matrix__by_hand_without_the_ignored_pixel() -> None:
    assert by_hand().tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 0]]


def test_class_iou__absent_class_is_left_out() -> None:
    zero, one, two = class_iou(by_hand()).tolist()
    assert (zero, one) == (pytest.approx(2 / 4), pytest.approx(1 / 3))
    assert math.isnan(two)


def test_mean_iou__is_over_the_classes_that_are_there() -> None:
    assert mean_iou(by_hand()) == pytest.approx((2 / 4 + 1 / 3) / 2)


def test_mean_iou__predicted_class_that_is_not_in_the_target_counts_as_zero() -> None:
    target = torch.zeros(4, 4, dtype=torch.uint8)
    predicted = target.clone()
    predicted[0, 0] = 1
    confusion = confusion_matrix(predicted=predicted, target=target, classes=3)
    assert mean_iou(confusion) == pytest.approx((15 / 16 + 0.0) / 2)


def test_pixel_accuracy__by_hand() -> None:
    assert pixel_accuracy(by_hand()) == pytest.approx(3 / 5)


def test_scores__nothing_counted_is_not_a_number() -> None:
    ignored = torch.full((2, 2), 255)
    confusion = confusion_matrix(predicted=torch.zeros(2, 2), target=ignored, classes=2)
    assert math.isnan(mean_iou(confusion))
    assert math.isnan(pixel_accuracy(confusion))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 999), classes=st.integers(2, 9))
def test_scores__equal_sklearn(seed: int, classes: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    target, predicted = torch.randint(0, classes, (2, 2, 6, 7), generator=generator)
    confusion = confusion_matrix(predicted=predicted, target=target, classes=classes)
    pair = (target.flatten().numpy(), predicted.flatten().numpy())
    assert confusion.tolist() == sklearn_confusion(*pair, labels=range(classes)).tolist()
    assert mean_iou(confusion) == pytest.approx(jaccard_score(*pair, average="macro"))
    assert pixel_accuracy(confusion) == pytest.approx(accuracy_score(*pair))


def test_confusion_matrix__parts_add_up() -> None:
    target, predicted = torch.randint(
        0, 4, (2, 2, 5, 5), generator=torch.Generator().manual_seed(0)
    )
    parts = [confusion_matrix(predicted=predicted[i], target=target[i], classes=4) for i in (0, 1)]
    whole = confusion_matrix(predicted=predicted, target=target, classes=4)
    assert torch.equal(parts[0] + parts[1], whole)


def test_confusion_matrix__unknown_class_is_refused() -> None:
    target = torch.tensor([[0, 7]])
    with pytest.raises(ShapeError, match=r"target: expected classes 0 to 2 .* found 0 to 7"):
        confusion_matrix(predicted=torch.zeros(1, 2), target=target, classes=3)


def test_confusion_matrix__shapes_that_differ_are_refused() -> None:
    with pytest.raises(ShapeError, match="one shape"):
        confusion_matrix(predicted=torch.zeros(2, 2), target=torch.zeros(2, 3), classes=2)
