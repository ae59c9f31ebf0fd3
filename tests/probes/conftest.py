"""A tiny probe, and a task that any probe can learn: bright squares on dark ground."""

import numpy as np
import pytest
import torch

from ssvif.params import ProbesParams
from ssvif.probes.labels import fill_boxes
from ssvif.probes.tasks import BOXES, SEMANTIC, Fold, ProbeTask

SIZE = 64


@pytest.fixture(scope="session")
def tiny_probes():
    return ProbesParams(
        backbone="mobilenetv3_small_050",
        pretrained=False,
        height=SIZE,
        width=SIZE,
        crop_height=32,
        crop_width=32,
        steps=2,
        batch=2,
        repetitions=2,
    )


def _square(rng):
    left, top = rng.integers(2, SIZE - 26, 2)
    return [1.0, left, top, left + 24, top + 24]


@pytest.fixture(scope="session")
def make_task():
    """Return a task of six pairs in three blocks, and an image of each pair."""

    def make(*, kind=BOXES, folds=None):
        ids = [f"{number:016x}" for number in range(6)]
        rng = np.random.default_rng(0)
        boxes = {i: torch.tensor([_square(rng)]) for i in ids}
        masks = {i: fill_boxes(box, (SIZE, SIZE)) for i, box in boxes.items()}
        task = ProbeTask(
            name=kind,
            kind=kind,
            classes=("background", "square"),
            masks=masks,
            boxes=boxes if kind == BOXES else {},
            folds=folds or (Fold(tuple(ids[:4]), tuple(ids[4:])),),
            blocks={i: f"set/{int(i, 16) // 2}" for i in ids},
            sets=("set",),
        )
        images = {i: ((mask * 200 + 20).expand(3, -1, -1),) for i, mask in masks.items()}
        return task, images

    return make


@pytest.fixture(scope="session")
def semantic_task(make_task):
    return make_task(kind=SEMANTIC)


@pytest.fixture(scope="session")
def box_task(make_task):
    return make_task()
