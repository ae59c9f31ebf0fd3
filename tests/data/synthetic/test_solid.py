from math import pi

import numpy as np
import pytest

from ssvif.data.synthetic.camera import Camera
from ssvif.data.synthetic.canvas import Canvas
from ssvif.data.synthetic.car_shapes import PROFILES, car_solid
from ssvif.data.synthetic.solid import visible_faces


@pytest.fixture
def canvas():
    camera = Camera(
        width=320, height=240, focal=300.0, centre=160.0, horizon=110.0, eye=1.5, x=0.0, z=0.0
    )
    return Canvas(camera, sky=-20.0)


def parts(canvas, shape, x, heading):
    return [face.part for face, _ in visible_faces(canvas, car_solid(shape), x, 10.0, heading)]


@pytest.mark.parametrize("shape", PROFILES)
def test_visible_faces__from_behind_a_car_shows_its_tail(canvas, shape):
    seen = parts(canvas, shape, 0.0, 0.0)
    assert seen.count("tail") == 2
    assert "headlight" not in seen
    assert "tyre" not in seen


@pytest.mark.parametrize("shape", PROFILES)
def test_visible_faces__from_ahead_a_car_shows_its_headlights(canvas, shape):
    seen = parts(canvas, shape, 0.0, pi)
    assert seen.count("headlight") == 2
    assert "grille" in seen
    assert "tail" not in seen


@pytest.mark.parametrize("heading", [pi / 2, -pi / 2])
def test_visible_faces__from_the_side_a_car_shows_two_wheels(canvas, heading):
    assert parts(canvas, "saloon", 0.0, heading).count("tyre") == 2


def test_visible_faces__windows_come_after_the_body(canvas):
    seen = parts(canvas, "hatchback", -2.0, pi)
    assert "body" not in seen[seen.index("glass") :]


@pytest.mark.parametrize("shape", PROFILES)
def test_car_solid__normals_point_outwards(shape):
    solid = car_solid(shape)
    middle = np.array([0.0, 0.8, 0.0])
    for face in solid.faces:
        if not face.decal:
            outward = solid.corners[list(face.corners)].mean(axis=0) - middle
            assert np.dot(outward, face.normal) > 0.0
            assert np.linalg.norm(face.normal) == pytest.approx(1.0)
