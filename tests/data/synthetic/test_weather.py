import numpy as np
import pytest

from ssvif.data.synthetic.camera import Camera
from ssvif.data.synthetic.scene import Smoke
from ssvif.data.synthetic.weather import Source, fog_transmission, glare, smoke_cover


@pytest.fixture
def camera():
    return Camera(
        width=160, height=120, focal=150.0, centre=80.0, horizon=55.0, eye=1.5, x=0.0, z=0.0
    )


def test_fog_transmission__known_value():
    depth = np.array([0.0, 20.0], dtype=np.float32)
    np.testing.assert_allclose(fog_transmission(depth, 0.05), [1.0, np.exp(-1.0)], rtol=1e-5)


def test_smoke_cover__hides_only_what_is_behind(camera):
    plume = Smoke(x=0.0, z=10.0, width=4.0, height=6.0, density=5.0)
    before, behind = (
        smoke_cover(camera, np.full((120, 160), depth, np.float32), [plume], 0.0)
        for depth in (7.0, 14.0)
    )
    assert before.max() == 0.0
    assert behind[50:75, 70:90].mean() > 0.8
    assert behind[50:75, :10].mean() < 0.2


def test_smoke_cover__none_without_plumes(camera):
    assert not smoke_cover(camera, np.full((120, 160), 9.0, np.float32), [], 0.0).any()


def test_glare__falls_off_from_its_source(camera):
    veil = glare(camera, [Source(column=40.0, row=60.0, strength=2.0, core=4.0, spread=20.0)])
    assert veil.shape == (120, 160)
    assert np.unravel_index(veil.argmax(), veil.shape) == pytest.approx((60, 40), abs=3)
    assert veil[60, 40] > 5 * veil[60, 80] > 5 * 5 * veil[20, 150]
    assert (veil >= 0.0).all()
