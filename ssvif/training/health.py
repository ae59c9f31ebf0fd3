"""Is the consistency signal alive? Figures of collapse, shortcuts and equivariance.

A consistency loss near zero is a sign of failure as often as of success: these figures tell
which. They are logged, the dynamic weight uses some, and bad ones raise a warning with advice.
"""

import logging
from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import normalized_mutual_info_score
from torch import Tensor

from ssvif.data.views import Overlap
from ssvif.losses.consistency import effective_prototypes

logger = logging.getLogger(__name__)

_POSITION_CELLS = 8
_BRIGHTNESS_BINS = 8

MIN_EFFECTIVE_SHARE = 0.5
MIN_EQUIVARIANCE = 0.6
# Sky above and road below alone give up to this; views cut alike, where classes become positions,
# gave 0.26 to 0.50.
MAX_POSITION_NMI = 0.2
MIN_LOSS = 0.1


def class_agreement(first: Tensor, second: Tensor) -> float:
    """Return the share of equal entries of two class maps of one shape."""
    return float((first == second).float().mean())


def used_prototypes(*classes: Tensor, prototypes: int) -> float:
    """Return the effective number of classes used, in [1, K], the least of the class maps."""
    return min(
        float(effective_prototypes(F.one_hot(each.flatten(), prototypes).float()))
        for each in classes
    )


def equivariance(first_classes: Tensor, second_classes: Tensor, overlap: Overlap) -> float:
    """Return the share of shared positions that two views give the same class.

    Args:
        first_classes: Classes of the first views by one branch, (B, h, w).
        second_classes: Classes of the second views by the same branch, (B, h, w).
        overlap: What the views share.
    """
    return class_agreement(overlap.first(first_classes), overlap.second(second_classes))


def position_information(classes: Tensor) -> float:
    """Return the normalised mutual information of classes and position in the view, in [0, 1].

    Args:
        classes: (B, h, w).
    """
    height, width = classes.shape[-2:]
    rows = torch.arange(height) * _POSITION_CELLS // height
    columns = torch.arange(width) * _POSITION_CELLS // width
    cells = (rows[:, None] * _POSITION_CELLS + columns).expand_as(classes)
    return _normalised_information(classes, cells)


def brightness_information(classes: Tensor, fused_y: Tensor) -> float:
    """Return the normalised mutual information of classes and fused brightness, in [0, 1].

    Args:
        classes: (B, h, w).
        fused_y: (B, 1, H, W) in [0, 1], H and W multiples of h and w.
    """
    height, width = classes.shape[-2:]
    brightness = F.adaptive_avg_pool2d(fused_y, (height, width)).flatten().cpu().numpy()
    edges = np.quantile(brightness, np.linspace(0.0, 1.0, _BRIGHTNESS_BINS + 1)[1:-1])
    return _normalised_information(classes, torch.from_numpy(np.digitize(brightness, edges)))


def _normalised_information(classes: Tensor, others: Tensor) -> float:
    labels = (each.flatten().cpu().numpy() for each in (classes, others))
    score = normalized_mutual_info_score(*labels)
    return float(score)


class HealthWatch:
    """Warns once for each figure that stays bad: one batch may be odd, two in a row are not.

    Args:
        prototypes: Number K of prototypes.
        judged_from: The first step that is judged; before it, too little has been learnt.
    """

    def __init__(self, prototypes: int, *, judged_from: int = 1) -> None:
        self._least_effective = MIN_EFFECTIVE_SHARE * prototypes
        self._judged_from = judged_from
        self._bad: set[str] = set()
        self._warned: set[str] = set()

    def check(self, step: int, figures: Mapping[str, float]) -> None:
        """Look at a step's figures, named as they are logged; absent ones are passed over.

        What is not a number is bad.
        """
        if step < self._judged_from:
            return
        for name, bound, sign, advice in (
            ("teacher/effective_prototypes", self._least_effective, 1, _COLLAPSE_ADVICE),
            ("teacher/equivariance", MIN_EQUIVARIANCE, 1, _EQUIVARIANCE_ADVICE),
            ("teacher/position_information", MAX_POSITION_NMI, -1, _POSITION_ADVICE),
            ("consistency", MIN_LOSS, 1, _LOSS_ADVICE),
        ):
            if name not in figures:
                continue
            if sign * figures[name] >= sign * bound:
                self._bad.discard(name)
            elif name not in self._bad:
                self._bad.add(name)
            elif name not in self._warned:
                self._warned.add(name)
                message = "step %d: %s is %.3g, past its bound of %.3g: %s"
                logger.warning(message, step, name, figures[name], bound, advice)


_COLLAPSE_ADVICE = (
    "the segmentation is collapsing; lower consistency.epsilon, raise "
    "consistency.queue_batches or network.prototypes, or bring more varied captures"
)
_EQUIVARIANCE_ADVICE = (
    "a shifted view is segmented differently; train longer (warm_up.steps) or lower "
    "consistency.min_overlap"
)
_LOSS_ADVICE = (
    "the branches agree by a shortcut; lower consistency.min_overlap so that the views differ more"
)
_POSITION_ADVICE = (
    "classes follow the position in the view; lower consistency.min_overlap, or use a "
    "pretrained trunk (network.pretrained)"
)
