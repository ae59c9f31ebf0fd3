import numpy as np
import pytest

from ssvif.data.synthetic.camera import Camera
from ssvif.data.synthetic.canvas import Canvas, Material
from ssvif.data.synthetic.surface import seen_surface

WHITE = Material((1.0, 1.0, 1.0), temperature=20.0, emissivity=1.0)
BLACK = Material((0.0, 0.0, 0.0), temperature=10.0, emissivity=1.0)


@pytest.fixture
def camera():
    return Camera(
        width=100, height=80, focal=90.0, centre=50.0, horizon=30.0, eye=1.5, x=0.5, z=2.0
    )


def full(canvas, piece):
    canvas.polygon(piece, [(0, 0), (100, 0), (100, 80), (0, 80)])


def test_point__agrees_with_points(camera):
    world = np.array([[1.0, 0.0, 10.0], [-3.0, 2.0, 25.0]])
    assert camera.points(world) == [pytest.approx(camera.point(*row)) for row in world]


def test_point__a_straight_street_meets_at_the_vanishing_point(camera):
    assert camera.point(4.0, 0.0, 1e7) == pytest.approx((50.0, 30.0), abs=1e-3)


def test_seen_surface__ground_and_wall_have_the_depth_of_their_points(camera):
    canvas = Canvas(camera, sky=-20.0)
    full(canvas, canvas.piece(WHITE, camera.ground()))
    ground = seen_surface(canvas)
    canvas = Canvas(camera, sky=-20.0)
    full(canvas, canvas.piece(WHITE, camera.wall(4.0)))
    wall = seen_surface(canvas)
    column, row = camera.point(4.0, 0.0, 12.0)
    here = round(row), round(column)
    assert ground.depth[here] == pytest.approx(10.0, rel=0.1)
    assert wall.depth[here] == pytest.approx(10.0, rel=0.1)
    assert ground.across[here] == pytest.approx(4.0, abs=0.3)
    assert wall.up[here] == pytest.approx(0.0, abs=0.2)


def test_seen_surface__both_cameras_mix_an_edge_alike(camera):
    canvas = Canvas(camera, sky=-20.0)
    full(canvas, canvas.piece(BLACK, camera.facing(20.0)))
    warm = canvas.piece(WHITE, camera.facing(10.0), label=2, instance=7)
    canvas.polygon(warm, [(30, 20), (60, 35), (40, 70)])
    surface = seen_surface(canvas)
    np.testing.assert_allclose(surface.temperature, 10.0 + 10.0 * surface.colour[0], atol=1e-4)
    assert 0.0 < ((surface.colour[0] > 0.0) & (surface.colour[0] < 1.0)).mean() < 0.1
    assert (surface.colour[0][surface.labels == 2] > 0.0).all()
    np.testing.assert_array_equal(surface.instances, np.where(surface.labels == 2, 7, 0))


def test_seen_surface__shiny_things_mirror_the_cold_sky(camera):
    canvas = Canvas(camera, sky=-20.0)
    metal = Material((0.5, 0.5, 0.5), temperature=20.0, emissivity=0.5)
    full(canvas, canvas.piece(metal, camera.facing(10.0)))
    np.testing.assert_allclose(seen_surface(canvas).temperature, 0.0, atol=1e-4)


def test_seen_surface__later_pieces_hide_earlier_ones(camera):
    canvas = Canvas(camera, sky=-20.0)
    full(canvas, canvas.piece(WHITE, camera.facing(20.0), label=1, instance=1))
    full(canvas, canvas.piece(BLACK, camera.facing(10.0), label=2, instance=2))
    surface = seen_surface(canvas)
    assert (surface.labels == 2).all()
    assert (surface.instances == 2).all()


def test_shade__darkens_only_the_ground(camera):
    canvas = Canvas(camera, sky=-20.0)
    full(canvas, canvas.piece(WHITE, camera.ground()))
    canvas.polygon(canvas.piece(WHITE, camera.facing(10.0)), [(0, 0), (50, 0), (50, 80), (0, 80)])
    canvas.shadow([(0, 40), (100, 40), (100, 80), (0, 80)], 1.0)
    shade = seen_surface(canvas).shade
    assert not shade[:, :49].any()
    assert (shade[42:, 52:] == 1.0).all()
