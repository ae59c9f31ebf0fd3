import numpy as np
import pytest

from ssvif.fuse.colour import as_grey, coloured, heat_colours


def _image(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_coloured__visible_is_the_image_itself():
    fused = _image(8, 9, 3)
    assert coloured(fused, _image(8, 9), "visible") is fused


def test_coloured__grey_is_the_luminance():
    fused = np.zeros((1, 3, 3), np.uint8)
    fused[0, range(3), range(3)] = 255
    assert coloured(fused, _image(1, 3), "grey").tolist() == [[76, 150, 29]]
    assert coloured(_image(4, 5), _image(4, 5), "grey").shape == (4, 5)


@pytest.mark.parametrize("shape", [(8, 9, 3), (8, 9)])
def test_coloured__heat_lies_over_what_is_warm_alone(shape):
    fused = _image(*shape)
    ir = np.full((8, 9), 100, np.uint8)
    ir[2, 3] = 255
    found = coloured(fused, ir, "heat")
    expected = fused if fused.ndim == 3 else np.repeat(fused[..., None], 3, axis=2)
    differs = (found != expected).any(2)
    assert found.shape == (8, 9, 3)
    assert np.argwhere(differs).tolist() == [[2, 3]]


def test_coloured__one_warmth_has_one_colour_whatever_else_is_there():
    fused = np.full((2, 2, 3), 50, np.uint8)
    calm, busy = np.array([[200, 0], [0, 0]], np.uint8), np.array([[200, 255], [255, 90]], np.uint8)
    first, second = (coloured(fused, ir, "heat")[0, 0] for ir in (calm, busy))
    assert np.array_equal(first, second)


def test_heat_colours__brighter_where_warmer():
    table = as_grey(heat_colours()[None])[0].astype(int)
    assert table.shape == (256,)
    assert (np.diff(table) >= 0).all()
    assert table[255] > 240
