import numpy as np
import pytest
import torch

from ssvif.evaluation.corruptions import sensors
from ssvif.evaluation.corruptions.draw import GAMMA, Draw, to_light

SHAPE = (1, 1, 200, 200)


@pytest.fixture
def draw() -> Draw:
    return Draw(np.random.default_rng(0), (torch.zeros(1, 3, 2, 2), torch.zeros(1, 1, 2, 2)))


@pytest.mark.parametrize("grey", [0.4, 0.8])
def test_visible_noise__variance_grows_with_light(draw, grey) -> None:
    vis, _ = sensors.visible_noise(
        torch.full((1, 3, 200, 200), grey), torch.zeros(SHAPE), 1e4, draw
    )
    expected = grey**GAMMA / 1e4 + (3.0 / 1e4) ** 2
    assert float(to_light(vis).var()) == pytest.approx(expected, rel=0.03)
    assert float(to_light(vis).mean()) == pytest.approx(grey**GAMMA, rel=0.01)


def test_infrared_noise__has_its_standard_deviation(draw) -> None:
    _, ir = sensors.infrared_noise(torch.zeros(1, 3, 200, 200), torch.full(SHAPE, 0.5), 10.0, draw)
    assert float(ir.std()) * 255.0 == pytest.approx(10.0, rel=0.02)


def test_fixed_pattern__is_of_columns_and_rows_alone(draw) -> None:
    _, ir = sensors.fixed_pattern(torch.zeros(1, 3, 200, 200), torch.full(SHAPE, 0.5), 8.0, draw)
    plane = ir[0, 0]
    residual = plane - plane.mean(0, keepdim=True) - plane.mean(1, keepdim=True) + plane.mean()
    assert float(residual.abs().max()) < 1e-5
    assert float(plane.mean(0).std()) * 255.0 == pytest.approx(8.0, rel=0.15)
    assert float(plane.mean(1).std()) * 255.0 == pytest.approx(4.0, rel=0.15)


def test_dead_pixels__are_as_many_and_black_or_white(draw) -> None:
    _, ir = sensors.dead_pixels(torch.zeros(1, 3, 200, 200), torch.full(SHAPE, 0.5), 3.0, draw)
    black, white = (float((ir == value).float().mean()) for value in (0.0, 1.0))
    assert black == pytest.approx(0.015, rel=0.2)
    assert white == pytest.approx(0.015, rel=0.2)
    assert float((ir == 0.5).float().mean()) == pytest.approx(1.0 - black - white)


def test_low_light__halves_the_light_with_each_stop(draw) -> None:
    vis, _ = sensors.low_light(torch.full((1, 3, 200, 200), 0.8), torch.zeros(SHAPE), 2.0, draw)
    assert float(to_light(vis).mean()) == pytest.approx(0.8**GAMMA / 4.0, rel=0.01)
    assert float(vis.std()) > 0.0
