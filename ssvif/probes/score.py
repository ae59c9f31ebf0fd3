"""Testing a trained probe: pixel counts of every image, and average precision of boxes."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssvif.metrics.labels import IGNORED, confusion_matrix
from ssvif.models.torchvision_ops import define_missing_operators
from ssvif.probes.batches import to_float
from ssvif.probes.centre_points import find_boxes
from ssvif.probes.images import ProbeImages
from ssvif.probes.network import ProbeNet, ProbeOutput
from ssvif.probes.tasks import ProbeTask

ALL_CLASSES = "all"

_BATCH = 8
_OVERLAP = 0.5  # of a box that counts as found

Boxes = Mapping[str, Tensor]  # boxes, scores, labels of one image


@dataclass(frozen=True)
class Tested:
    """What came of testing a probe on its images.

    Args:
        counts: (C, 3) int64 by id: pixels of intersection, union and target of each class.
        boxes: By id, as `find_boxes` returns them; empty without boxes.
    """

    counts: Mapping[str, NDArray[np.int64]]
    boxes: Mapping[str, Boxes]


@torch.inference_mode()
def segment(probe: ProbeNet, images: ProbeImages, ids: Sequence[str]) -> dict[str, Tensor]:
    """Return the class (h, w) uint8 that a probe finds at each pixel, by id."""
    return {
        pair_id: mask
        for batch, output in _outputs(probe, images, ids)
        for pair_id, mask in zip(batch, output.scores.argmax(1).byte().cpu(), strict=True)
    }


@torch.inference_mode()
def run_test(probe: ProbeNet, images: ProbeImages, task: ProbeTask, ids: Sequence[str]) -> Tested:
    """Test a probe on some of a task's images."""
    counts: dict[str, NDArray[np.int64]] = {}
    boxes: dict[str, Boxes] = {}
    for batch, output in _outputs(probe, images, ids):
        found = output.scores.argmax(1).byte().cpu()
        for pair_id, mask in zip(batch, found, strict=True):
            counts[pair_id] = count_pixels(mask, task.masks[pair_id], classes=len(task.classes))
        if output.heat is not None and output.extent is not None:
            found_boxes = find_boxes(output.heat.cpu(), output.extent.cpu())
            boxes.update(zip(batch, found_boxes, strict=True))
    return Tested(counts, boxes)


def count_pixels(found: Tensor, target: Tensor, *, classes: int) -> NDArray[np.int64]:
    """Count the pixels of intersection, union and target of each class.

    Args:
        found: (h, w) class numbers.
        target: (h, w) class numbers, 255 ignored.
        classes: How many there are.

    Returns:
        (C, 3).
    """
    confusion = confusion_matrix(predicted=found, target=target, classes=classes, ignored=IGNORED)
    inside, targets = confusion.diagonal(), confusion.sum(1)
    return torch.stack([inside, confusion.sum(0) + targets - inside, targets], dim=1).numpy()


def average_precision(boxes: Mapping[str, Boxes], task: ProbeTask) -> dict[str, float]:
    """Return the average precision at an overlap of 0.5.

    Args:
        boxes: Boxes found, by id.
        task: The boxes that are there.

    Returns:
        By class, for those that occur, and their mean as `all`; in [0, 1].
    """
    define_missing_operators()
    # It tells its progress as news.
    logging.getLogger("faster_coco_eval").setLevel(logging.WARNING)
    from torchmetrics.detection import MeanAveragePrecision

    metric = MeanAveragePrecision(
        iou_thresholds=[_OVERLAP], class_metrics=True, backend="faster_coco_eval"
    )
    for pair_id, found in boxes.items():
        truth = task.boxes[pair_id]
        target = {"boxes": truth[:, 1:], "labels": truth[:, 0].long()}
        metric.update([dict(found)], [target])
    result = metric.compute()
    numbers, values = result["classes"].view(-1).tolist(), result["map_per_class"].view(-1)
    occurring = [
        (task.classes[number], value)
        for number, value in zip(numbers, values.tolist(), strict=True)
        if value >= 0.0
    ]
    scores = dict(occurring)
    return {ALL_CLASSES: float(np.mean(list(scores.values()))), **scores} if scores else {}


def _outputs(
    probe: ProbeNet, images: ProbeImages, ids: Sequence[str]
) -> Iterator[tuple[Sequence[str], ProbeOutput]]:
    device = next(probe.parameters()).device
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        trunks = range(len(images[batch[0]]))
        planes = [to_float([images[i][trunk] for i in batch]).to(device) for trunk in trunks]
        yield batch, probe(planes)
