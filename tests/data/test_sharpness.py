import numpy as np
import pytest
from scipy import ndimage

from ssvif.data.sharpness import sharpness


@pytest.fixture
def plane(make_pair):
    return make_pair(1, height=320, width=320)[1]


def blurred(plane, sigma):
    return ndimage.gaussian_filter(plane.astype(float), sigma).round().astype(np.uint8)


def test_sharpness__flat_image_has_none():
    assert sharpness(np.full((60, 80), 7, np.uint8)) == 0.0


def test_sharpness__a_ramp_worked_out_by_hand():
    ramp = np.tile(np.arange(0, 200, 2, dtype=np.uint8), (50, 1))
    assert sharpness(ramp) == pytest.approx(2.0 / ramp.std())


def test_sharpness__falls_with_every_blur(plane):
    values = [sharpness(blurred(plane, sigma)) for sigma in (0.5, 1.0, 2.0, 4.0)]
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.5 * values[0]


def test_sharpness__gain_and_offset_hardly_matter(plane):
    darker = (plane * 0.5 + 30).round().astype(np.uint8)
    assert sharpness(darker) == pytest.approx(sharpness(plane), rel=0.02)


def test_sharpness__resolution_hardly_matters(plane):
    twice = plane.repeat(2, axis=0).repeat(2, axis=1)
    assert sharpness(twice) == pytest.approx(sharpness(plane), rel=1e-6)


@pytest.mark.parametrize("shape", [(2000, 3), (3, 2000), (2, 2)])
def test_sharpness__odd_shapes_are_finite(shape):
    plane = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    assert np.isfinite(sharpness(plane))
