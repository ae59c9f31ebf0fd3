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


def run(phase, folder, *, recorder=None, **params):
    """Train a phase from nothing, with checkpoints in a folder."""
    loop.train(
        phase,
        params=TrainingParams(**params),
        seed=0,
        recorder=recorder or loop.Unrecorded(),
        checkpoints=CheckpointFolder(folder),
    )


@pytest.mark.parametrize("bad_group", [0, 1])
def test_train__a_gradient_that_is_no_number_stops_before_the_step(bad_group, tmp_path):
    objective = TwoGroups(bad_group, bad_step=3)
    phase = loop.Phase("stage_two", objective, 4, lambda step: step, [], 0)
    with pytest.raises(TrainingError, match="stage_two"):
        run(phase, tmp_path, checkpoint_every=2)
    assert all(weight.isfinite().all() for weight in objective.weights)
    assert CheckpointFolder(tmp_path).load().step == 2


class Steep(TwoGroups):
    """An objective of a large gradient, a small one, and a group that stands still."""

    def __init__(self):
        super().__init__(0, -1)

    def parameter_groups(self):
        still = {"params": [nn.Parameter(torch.ones(2))], "lr": 0.1}
        return [*super().parameter_groups(), still]

    def backward(self, _views, _step):
        for weight, length in zip(self.weights, (30.0, 0.3), strict=True):
            weight.grad = torch.tensor([length, 0.0, 0.0])
        return {"loss": 1.0}


def test_train__each_group_is_clipped_by_its_own_norm(tmp_path, monkeypatch):
    objective, clipped, logged = Steep(), [], []

    class Adam(torch.optim.AdamW):
        def step(self):
            clipped.extend(float(w.grad.norm()) for w in objective.weights)

    class Recorder(loop.Unrecorded):
        def log(self, _step, metrics):
            logged.append(metrics.get("stage_two/train/gradient_norm"))

    monkeypatch.setattr(torch.optim, "AdamW", Adam)
    phase = loop.Phase("stage_two", objective, 1, lambda step: step, [])
    run(phase, tmp_path, recorder=Recorder(), clip_norm=5.0)
    assert clipped == pytest.approx([5.0, 0.3])
    assert logged[0] == pytest.approx(30.0)


def test_clip__nothing_of_what_stands_still_lies_elsewhere():
    """The norm of no gradients at all would be a tensor of the CPU."""
    moving, still = nn.Parameter(torch.ones(3, device="meta")), nn.Parameter(torch.ones(2))
    moving.grad = torch.ones(3, device="meta")
    groups = [{"params": [moving]}, {"params": [still]}]
    norms = loop.group_norms(torch.optim.SGD(groups, lr=0.1), 5.0)
    assert [norm.device.type for norm in norms] == ["meta"]


def test_train__a_held_out_figure_that_is_no_number_is_not_kept(tmp_path):
    objective = TwoGroups(0, bad_step=-1)
    objective.validate = lambda _: {"loss": math.nan}
    phase = loop.Phase("stage_two", objective, 2, lambda step: step, [None])
    with pytest.raises(TrainingError, match="stage_two: step 1 gave loss"):
        run(phase, tmp_path)
    assert CheckpointFolder(tmp_path).load() is None


def test_train__a_later_phase_goes_on_with_the_batches_of_the_stage(tmp_path):
    drawn = []
    phase = loop.Phase("warm_up", TwoGroups(0, -1), 3, lambda s: drawn.append(s), [], 10)
    run(phase, tmp_path)
    assert drawn == [10, 11, 12]


def test_learning_rate_share__rises_then_falls():
    shares = [loop.learning_rate_share(step, 100) for step in range(100)]
    assert shares[4] == 1.0
    assert shares[:5] == sorted(shares[:5])
    assert shares[5:] == sorted(shares[5:], reverse=True)
    assert shares[-1] == pytest.approx(loop.FINAL_RATE, rel=0.1)
