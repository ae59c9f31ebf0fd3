import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ssvif.errors import ShapeError
from ssvif.models.machine import ROUNDS, false_colour, light_curve, machine_view


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    vis = torch.rand(2, 3, 22, 30, generator=generator)
    return {"vis": vis, "ir": torch.rand(2, 1, 22, 30, generator=generator)}


def tones(value=0.0, size=(6, 8)):
    return torch.full((2, 3, *size), value)


def test_false_colour__is_infrared_green_and_blue(pair):
    expected = [pair["ir"], pair["vis"][:, 1:2], pair["vis"][:, 2:]]
    assert torch.equal(false_colour(**pair), torch.cat(expected, dim=1))


def test_machine_view__without_tones_is_the_false_colour(pair):
    torch.testing.assert_close(machine_view(**pair, tones=tones()), false_colour(**pair))


@pytest.mark.parametrize(("value", "sign"), [(0.5, 1.0), (-0.5, -1.0)])
def test_machine_view__positive_tones_brighten(pair, value, sign):
    change = machine_view(**pair, tones=tones(value)) - false_colour(**pair)
    assert (sign * change >= 0.0).all()
    assert sign * change.mean() > 0.05


def test_machine_view__each_plane_has_its_own_tone(pair):
    chosen = tones()
    chosen[:, 0] = 0.5
    image, plain = machine_view(**pair, tones=chosen), false_colour(**pair)
    assert (image[:, 0] > plain[:, 0] + 1e-3).any()
    torch.testing.assert_close(image[:, 1:], plain[:, 1:])


def test_machine_view__gradients_reach_tones_and_sources(pair):
    chosen = tones().requires_grad_()
    vis, ir = (plane.requires_grad_() for plane in pair.values())
    machine_view(vis=vis, ir=ir, tones=chosen).sum().backward()
    assert all(part.grad.abs().sum() > 0.0 for part in (chosen, vis, ir))


@pytest.mark.parametrize("shape", [(2, 2, 6, 8), (2, 3, 6, 7)])
def test_machine_view__tones_that_do_not_fit_are_refused(pair, shape):
    with pytest.raises(ShapeError, match="tones"):
        machine_view(**pair, tones=torch.zeros(shape))


@given(
    low=st.floats(0.0, 1.0, width=32),
    high=st.floats(0.0, 1.0, width=32),
    strength=st.floats(-1.0, 1.0, width=32),
)
def test_light_curve__keeps_order_and_range(low, high, strength):
    values = torch.tensor(sorted([low, high]))
    curved = light_curve(values, torch.tensor(strength))
    assert 0.0 <= curved[0] <= curved[1] + 1e-6 <= 1.0 + 1e-6


def test_light_curve__at_full_strength_doubles_the_slope_at_black_each_round():
    dark = torch.tensor([1e-4])
    torch.testing.assert_close(
        light_curve(dark, torch.ones(1)) / dark, torch.tensor([2.0**ROUNDS]), rtol=2e-2, atol=0.0
    )
