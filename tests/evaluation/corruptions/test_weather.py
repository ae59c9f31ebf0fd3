import math

import numpy as np
import pytest
import torch

from ssvif.evaluation.corruptions import weather
from ssvif.evaluation.corruptions.draw import Draw, to_light


@pytest.fixture
def draw(pair) -> Draw:
    return Draw(np.random.default_rng(0), pair)


def test_glare__saturates_its_share_and_veils_the_rest(draw) -> None:
    vis, _ = weather.glare(
        torch.full((1, 3, 100, 100), 0.2), torch.zeros(1, 1, 100, 100), 2.0, draw
    )
    assert 0.01 < float((vis == 1.0).float().mean()) <= 0.035
    assert float(vis.min()) > 0.2


def test_hot_spots__saturate_infrared_and_touch_little_else(draw) -> None:
    _, ir = weather.hot_spots(
        torch.zeros(1, 3, 100, 100), torch.full((1, 1, 100, 100), 0.2), 2.0, draw
    )
    assert 0.012 < float((ir == 1.0).float().mean()) <= 0.022
    assert float((ir == 0.2).float().mean()) > 0.96


def test_fog__follows_koschmieder(draw) -> None:
    vis = torch.full((1, 3, 200, 20), 0.9)
    vis[..., ::10, :] = 0.1  # dark stripes; the airlight is that of the bright ground
    foggy, _ = weather.fog(vis, torch.zeros(1, 1, 200, 20), 50.0, draw)
    # Row 190: (190.5 / 200 - 0.45) of the height below the horizon.
    through = math.exp(-3.912 / 50.0 * 1.5 / (190.5 / 200 - 0.45))
    dark, airlight = (float(to_light(torch.tensor(grey))) for grey in (0.1, 0.9))
    expected = dark * through + airlight * (1.0 - through)
    assert float(to_light(foggy)[0, 0, 190, 0]) == pytest.approx(expected, rel=1e-4)


def test_fog__hides_what_is_far(draw) -> None:
    vis = torch.full((1, 3, 200, 20), 0.9)
    vis[..., ::10, :] = 0.1
    foggy, _ = weather.fog(vis, torch.zeros(1, 1, 200, 20), 100.0, draw)
    contrast = [float(foggy[0, 0, row + 1, 0] - foggy[0, 0, row, 0]) for row in (10, 110, 190)]
    assert contrast[0] < contrast[1] < contrast[2] < 0.8


def test_fog__takes_images_of_many_pixels(draw) -> None:
    vis = torch.full((1, 3, 1, 1), 0.5).expand(1, 3, 4100, 4100)
    foggy, _ = weather.fog(vis, torch.zeros(1, 1, 1, 1), 50.0, draw)
    assert float((foggy[0, 0, ::100, 0] - 0.5).abs().max()) < 1e-5  # as bright as the fog
