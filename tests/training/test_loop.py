import math

import pytest
import torch
from torch import nn

from ssvif.errors import TrainingError
from ssvif.params import TrainingParams
from ssvif.training import loop
from ssvif.training.checkpoint import CheckpointFolder


class TwoGroups(nn.Module):
    """An objective whose gradient at one of two groups is not a number at one step."""

    def __init__(self, bad_group, bad_step):
        super().__init__()
        self.weights = nn.ParameterList([nn.Parameter(torch.ones(3)) for _ in range(2)])
        self.bad_group, self.bad_step = bad_group, bad_step

    def parameter_groups(self):
        return [{"params": [weight], "lr": 0.1} for weight in self.weights]

    def backward(self, _views, step):
        for weight in self.weights:
            weight.grad = torch.ones_like(weight)
        if step == self.bad_step:
            self.weights[self.bad_group].grad[1] = math.nan
        return {"loss": 1.0}

    def after_step(self):
        pass


class Nowhere:
    """A recorder that keeps nothing."""

    def log(self, step, metrics):
        pass


@pytest.mark.parametrize("bad_group", [0, 1])
def test_train__a_gradient_that_is_no_number_stops_before_the_step(bad_group, tmp_path):
    objective = TwoGroups(bad_group, bad_step=3)
    phase = loop.Phase("stage_two", objective, 4, lambda step: step, [], 0)
    checkpoints = CheckpointFolder(tmp_path)
    params = TrainingParams(checkpoint_every=2)
    with pytest.raises(TrainingError, match="stage_two"):
        loop.train(phase, params=params, seed=0, recorder=Nowhere(), checkpoints=checkpoints)
    assert all(weight.isfinite().all() for weight in objective.weights)
    assert checkpoints.load().step == 2


def test_learning_rate_share__rises_then_falls():
    shares = [loop.learning_rate_share(step, 100) for step in range(100)]
    assert shares[4] == 1.0
    assert shares[:5] == sorted(shares[:5])
    assert shares[5:] == sorted(shares[5:], reverse=True)
    assert shares[-1] == pytest.approx(loop.FINAL_RATE, rel=0.1)
