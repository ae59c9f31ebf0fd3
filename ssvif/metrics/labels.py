"""Scores of segmentations against labels: mIoU, IoU of each class, pixel accuracy.

Source: Everingham et al. 2015, doi:10.1007/s11263-014-0733-5. Counts are summed over all pixels
given, so that scores of a data set come from one confusion matrix and not from a mean over images.
"""

import torch
from torch import Tensor

from ssvif.errors import ShapeError

IGNORED = 255


def confusion_matrix(
    *, predicted: Tensor, target: Tensor, classes: int, ignored: int = IGNORED
) -> Tensor:
    """Count pixels by target and prediction.

    Args:
        predicted: Class numbers, (B, H, W) or any other shape, whole numbers.
        target: The same shape; pixels with `ignored` are left out.
        classes: How many classes there are.
        ignored: The label of pixels that do not count.

    Returns:
        (classes, classes), int64: row target, column prediction; matrices of parts can be added.

    Raises:
        ShapeError: If the shapes differ, or a class number is not in 0..classes - 1.
    """
    if predicted.shape != target.shape:
        raise ShapeError(
            "expected a prediction and a target of one shape, found "
            f"{tuple(predicted.shape)} and {tuple(target.shape)}"
        )
    counted = target != ignored
    predicted, target = predicted[counted].long(), target[counted].long()
    for name, numbers in (("prediction", predicted), ("target", target)):
        if numbers.numel() and not 0 <= int(numbers.min()) <= int(numbers.max()) < classes:
            low, high = int(numbers.min()), int(numbers.max())
            raise ShapeError(
                f"{name}: expected classes 0 to {classes - 1} (or {ignored} in the target, to "
                f"leave a pixel out), found {low} to {high}"
            )
    return torch.bincount(target * classes + predicted, minlength=classes**2).view(classes, -1)


def class_iou(confusion: Tensor) -> Tensor:
    """Intersection over union of each class (IoU).

    Args:
        confusion: (classes, classes), of `confusion_matrix`.

    Returns:
        (classes,) float64 in [0, 1]; NaN for a class that is in neither target nor prediction.
    """
    intersection = confusion.diagonal().double()
    union = (confusion.sum(0) + confusion.sum(1) - confusion.diagonal()).double()
    return torch.where(union > 0.0, intersection / union.clamp(min=1.0), torch.nan)


def mean_iou(confusion: Tensor) -> float:
    """Mean of `class_iou` over the classes that are there (mIoU).

    Args:
        confusion: (classes, classes), of `confusion_matrix`.

    Returns:
        In [0, 1]; NaN if nothing was counted.
    """
    return float(class_iou(confusion).nanmean())


def pixel_accuracy(confusion: Tensor) -> float:
    """Share of pixels with the right class.

    Args:
        confusion: (classes, classes), of `confusion_matrix`.

    Returns:
        In [0, 1]; NaN if nothing was counted.
    """
    return float(confusion.diagonal().sum().double() / confusion.sum())
