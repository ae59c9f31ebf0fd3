from dataclasses import replace

import pytest
import torch

from ssvif.metrics.labels import IGNORED
from ssvif.probes.run import CPU
from ssvif.probes.train import train_probe


def _weights(task, images, params, *, seed=0):
    probe = train_probe(images, task, task.folds[0].train, params, seed=seed, device=CPU)
    return probe.state_dict()


@pytest.fixture(scope="module")
def standing_still(tiny_probes):
    """A probe that learns nothing shows the weights it began with."""
    rates = {"learning_rate": 1e-30, "trunk_learning_rate": 1e-30, "steps": 1}
    return tiny_probes.model_copy(update=rates)


def test_train_probe__every_candidate_begins_with_the_same_weights(box_task, standing_still):
    task, images = box_task
    others = {i: (255 - image,) for i, (image,) in images.items()}
    torch.manual_seed(5)  # of no concern
    one, two = _weights(task, images, standing_still), _weights(task, others, standing_still)
    for name in ("classify.weight", "boxes.heat.weight", "eyes.0.trunk.backbone.conv_stem.weight"):
        assert torch.equal(one[name], two[name])


def test_train_probe__repetitions_begin_with_other_weights(box_task, standing_still):
    task, images = box_task
    one, two = (_weights(task, images, standing_still, seed=seed) for seed in (0, 1))
    assert not torch.equal(one["classify.weight"], two["classify.weight"])


def test_train_probe__ignored_pixels_teach_nothing(semantic_task, tiny_probes):
    task, images = semantic_task
    ignored = {i: torch.full_like(mask, IGNORED) for i, mask in task.masks.items()}
    rates = {"learning_rate": 1e-3, "trunk_learning_rate": 1e-30, "steps": 1}
    found = _weights(replace(task, masks=ignored), images, tiny_probes.model_copy(update=rates))[
        "classify.bias"
    ]
    begun = _weights(task, images, tiny_probes.model_copy(update={**rates, "learning_rate": 1e-30}))
    torch.testing.assert_close(found, begun["classify.bias"], rtol=1e-4, atol=0.0)
