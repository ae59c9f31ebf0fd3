import math

import numpy as np
import pytest
import torch

from ssvif.evaluation.corruptions.draw import Draw
from ssvif.evaluation.corruptions.misregistration import rotation, scale, shift


@pytest.fixture
def draw(pair) -> Draw:
    return Draw(np.random.default_rng(0), pair)


def centre_and_area(ir):
    """Centre (row, column) and area of the bright square."""
    weight = (ir[0, 0] - 0.2) / 0.4
    rows, columns = torch.meshgrid(*(torch.arange(float(n)) for n in weight.shape), indexing="ij")
    area = weight.sum()
    return (weight * rows).sum() / area, (weight * columns).sum() / area, area


def test_shift__moves_infrared_by_as_many_pixels(pair, draw) -> None:
    vis, ir = shift(*pair, 5.0, draw)
    before, after = centre_and_area(pair[1]), centre_and_area(ir)
    assert torch.equal(vis, pair[0])
    assert math.hypot(after[0] - before[0], after[1] - before[1]) == pytest.approx(5.0, abs=0.05)
    assert after[2] == pytest.approx(float(before[2]), rel=0.01)


def test_scale__changes_the_area_by_the_square(pair, draw) -> None:
    _, ir = scale(*pair, 10.0, draw)
    ratio = float(centre_and_area(ir)[2] / centre_and_area(pair[1])[2])
    assert ratio == pytest.approx(1.1**2, rel=0.02) or ratio == pytest.approx(0.9**2, rel=0.02)


def test_rotation__turns_about_the_centre_of_the_picture(pair, draw) -> None:
    ir = torch.full_like(pair[1], 0.2)
    ir[..., 26:34, 60:68] = 0.6  # 24 pixels to the right of the centre, half a pixel off
    _, turned = rotation(pair[0], ir, 30.0, draw)
    row, column, area = centre_and_area(turned)
    assert abs(float(row) - 29.5) == pytest.approx(24.0 * math.sin(math.radians(30.0)), abs=0.1)
    assert float(column) - 39.5 == pytest.approx(24.0 * math.cos(math.radians(30.0)), abs=0.1)
    assert float(area) == pytest.approx(64.0, rel=0.02)


@pytest.mark.parametrize("function", [shift, scale, rotation])
def test_misregistration__of_nothing_changes_nothing(pair, draw, function) -> None:
    torch.testing.assert_close(function(*pair, 0.0, draw)[1], pair[1])
