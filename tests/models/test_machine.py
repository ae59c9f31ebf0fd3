import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ssvif.errors import ShapeError
from ssvif.models.machine import (
    ROUNDS,
    Recipe,
    RecipeHead,
    initial_mixing,
    light_curve,
    machine_view,
)


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    vis = torch.rand(2, 3, 22, 30, generator=generator)
    return {"vis": vis, "ir": torch.rand(2, 1, 22, 30, generator=generator)}


FALSE_COLOUR = torch.tensor([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


def recipe(value=0.0):
    return Recipe(FALSE_COLOUR.expand(2, -1, -1), torch.full((2, 3), value))


def test_machine_view__shares_say_what_is_in_a_channel(pair):
    expected = [pair["ir"], pair["vis"][:, 1:2], pair["vis"][:, 2:]]
    torch.testing.assert_close(machine_view(**pair, recipe=recipe()), torch.cat(expected, dim=1))


def test_machine_view__before_anything_is_learned_is_about_the_mean(pair):
    head = RecipeHead(4)
    view = machine_view(**pair, recipe=head(torch.rand(2, 4, 5, 6)))
    mean = (pair["vis"] + pair["ir"]) / 2
    assert (view - mean).abs().max() < 0.05


@pytest.mark.parametrize(("value", "sign"), [(0.5, 1.0), (-0.5, -1.0)])
def test_machine_view__positive_tones_brighten(pair, value, sign):
    change = machine_view(**pair, recipe=recipe(value)) - machine_view(**pair, recipe=recipe())
    assert (sign * change >= -1e-6).all()
    assert sign * change.mean() > 0.05


def test_machine_view__each_image_and_channel_has_its_own_tone(pair):
    chosen = recipe()
    chosen.tones[1, 0] = 0.5
    image, plain = machine_view(**pair, recipe=chosen), machine_view(**pair, recipe=recipe())
    assert (image[1, 0] > plain[1, 0] + 1e-3).any()
    torch.testing.assert_close(image[:, 1:], plain[:, 1:])
    torch.testing.assert_close(image[0], plain[0])


def test_machine_view__gradients_reach_the_head_and_the_sources(pair):
    head = RecipeHead(4)
    vis, ir = (plane.requires_grad_() for plane in pair.values())
    machine_view(vis=vis, ir=ir, recipe=head(torch.rand(2, 4, 5, 6))).square().sum().backward()
    assert all(p.grad.abs().sum() > 0.0 for p in (head.mixing, head.strength.weight, vis, ir))


def test_machine_view__a_recipe_for_other_images_is_refused(pair):
    with pytest.raises(ShapeError, match=r"expected a recipe of shapes .*\(2, 3, 4\)"):
        machine_view(**pair, recipe=Recipe(*(part[:1] for part in recipe())))


@given(st.integers(0, 2**31 - 1))
def test_recipe_head__shares_are_positive_with_sums_of_one(seed):
    generator = torch.Generator().manual_seed(seed)
    head = RecipeHead(4)
    torch.nn.init.normal_(head.mixing, std=5.0, generator=generator)
    torch.nn.init.normal_(head.strength.weight, std=5.0, generator=generator)
    shares, tones = head(torch.rand(3, 4, 5, 6, generator=generator))
    assert (shares >= 0.0).all()
    torch.testing.assert_close(shares.sum(2), torch.ones(3, 3))
    assert tones.abs().max() <= 1.0


def test_initial_mixing__is_half_infrared_and_half_the_colour():
    shares = initial_mixing().softmax(1)
    torch.testing.assert_close(shares[:, 0], torch.full((3,), 0.48))
    torch.testing.assert_close(shares[:, 1:].diagonal(), torch.full((3,), 0.48))


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
