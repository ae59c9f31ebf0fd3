import numpy as np
import pytest

from ssvif.data.registration import register


def test_register__registered_pair(make_pair):
    vis, ir = make_pair(height=240, width=320)
    found = register(vis[..., 1], ir, max_shift=8)
    assert found.near_score > 0.3
    assert found.near_score > found.far_score + 0.1
    assert np.abs(found.shift).max() <= 2


@pytest.mark.parametrize("shift", [(20, 0), (-14, 22)])
def test_register__finds_the_shift(make_pair, shift):
    vis, ir = make_pair(height=240, width=320)
    moved = np.roll(ir, shift, axis=(0, 1))
    found = register(vis[..., 1], moved, max_shift=8)
    assert found.far_score > found.near_score + 0.1
    assert found.shift == pytest.approx((-shift[0], -shift[1]), abs=2)


def test_register__shift_is_in_pixels_of_a_large_image(make_pair):
    vis, ir = (image.repeat(4, axis=0).repeat(4, axis=1) for image in make_pair())
    found = register(vis[..., 1], np.roll(ir, 40, axis=1), max_shift=8)
    assert found.shift == pytest.approx((0, -40), abs=4)


def test_register__inverted_infrared_is_as_good(make_pair):
    vis, ir = make_pair()
    straight = register(vis[..., 1], ir, max_shift=8)
    inverted = register(vis[..., 1], 255 - ir, max_shift=8)
    assert inverted.near_score == pytest.approx(straight.near_score, abs=0.02)


def test_register__unrelated_images_fit_nowhere(make_pair):
    (vis, _), (_, ir) = make_pair(1), make_pair(2)
    found = register(vis[..., 1], ir, max_shift=8)
    assert max(found.near_score, found.far_score) < 0.3


def test_register__identical_images_score_one(make_pair):
    _, ir = make_pair()
    assert register(ir, ir, max_shift=8).near_score == pytest.approx(1.0, abs=1e-3)


def test_register__flat_image_is_finite():
    flat = np.full((64, 64), 9, np.uint8)
    found = register(flat, flat, max_shift=8)
    assert np.isfinite([found.near_score, found.far_score]).all()


@pytest.mark.parametrize("shape", [(128, 2000), (2000, 128), (48, 20000), (1, 300), (300, 1)])
def test_register__long_and_low(shape):
    plane = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    found = register(plane, plane, max_shift=8)
    assert found.near_score == pytest.approx(1.0, abs=1e-3)
    assert found.shift == (0.0, 0.0)


def test_register__long_and_low_finds_the_shift():
    plane = np.random.default_rng(0).integers(0, 256, (16, 250), dtype=np.uint8)
    plane = plane.repeat(8, axis=0).repeat(8, axis=1)
    found = register(plane, np.roll(plane, 100, axis=1), max_shift=8)
    assert found.shift == pytest.approx((0, -100), abs=7)
