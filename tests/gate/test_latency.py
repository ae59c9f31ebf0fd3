import pytest
import torch

from ssvif.gate.latency import measure_latency
from ssvif.gate.models import GatedModel, same_work
from ssvif.models.fusion import FusionNet


class Clock:
    """Advances by what the model that just ran is said to take."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def model(name, clock, seconds):
    """A model that takes no time but the clock's."""
    times = iter(seconds)

    class Slow(torch.nn.Module):
        def forward(self, _vis_y, ir):
            clock.now += next(times)
            return type("Fused", (), {"fused_y": ir})

    return GatedModel(name, Slow())


def measure(champion, challenger):
    clock = Clock()
    return measure_latency(
        model("champion", clock, champion),
        model("challenger", clock, challenger),
        device=torch.device("cpu"),
        rounds=3,
        clock=clock,
    )


def test_measure_latency__is_the_median_of_the_rounds_ratios():
    found = measure([9.0, 9.0, 1.0, 1.0, 2.0], [9.0, 9.0, 1.2, 40.0, 2.6])
    assert found.ratio == pytest.approx(1.3)
    assert found.champion == pytest.approx((1.0, 1.0, 2.0))
    assert found.challenger == pytest.approx((1.2, 40.0, 2.6))


def test_measure_latency__the_first_rounds_do_not_count():
    found = measure([100.0, 100.0, 1.0, 1.0, 1.0], 5 * [1.0])
    assert found.ratio == pytest.approx(1.0)


def test_same_work__knows_networks_by_their_shapes():
    small, other, wide = (
        FusionNet(channels=channels, blocks=1, residual=0.2) for channels in (4, 4, 8)
    )
    assert same_work(small, other)
    assert not same_work(small, wide)
