import pytest
import torch

from ssvif.losses.fusion import (
    fusion_loss,
    gradient_loss,
    intensity_loss,
    slope_distance,
    ssim_loss,
    stretched,
)

LOSSES = [intensity_loss, gradient_loss, ssim_loss]


def _planes():
    torch.manual_seed(0)
    return torch.rand(2, 1, 32, 32), torch.rand(2, 1, 32, 32)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses__zero_where_all_three_are_equal(loss):
    image, _ = _planes()
    value = loss(fused_y=image, vis_y=image, ir=image)
    torch.testing.assert_close(value, torch.tensor(0.0), atol=1e-6, rtol=0)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses__finite_gradient_on_flat_images(loss):
    fused_y = torch.full((1, 1, 32, 32), 0.5, requires_grad=True)
    flat = torch.zeros(1, 1, 32, 32)
    loss(fused_y=fused_y, vis_y=flat, ir=flat).backward()
    assert torch.isfinite(fused_y.grad).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_losses__swapped_sources_are_the_same(loss):
    first, second = _planes()
    fused_y = (first + second) / 2
    swapped = loss(fused_y=fused_y, vis_y=second, ir=first)
    torch.testing.assert_close(loss(fused_y=fused_y, vis_y=first, ir=second), swapped)


def test_intensity_loss__the_maximum_is_best():
    vis_y, ir = _planes()
    assert intensity_loss(fused_y=torch.maximum(vis_y, ir), vis_y=vis_y, ir=ir) == 0
    assert intensity_loss(fused_y=(vis_y + ir) / 2, vis_y=vis_y, ir=ir) > 0.1


@pytest.mark.parametrize(
    ("loss", "aim"), [(intensity_loss, "contrast"), (gradient_loss, "sharpness")]
)
def test_losses__may_aim_at_more_than_the_sources_have(loss, aim):
    torch.manual_seed(0)
    image = 0.4 + 0.2 * torch.rand(1, 1, 32, 32)
    asked = {"vis_y": image, "ir": image, aim: 1.2}
    assert loss(fused_y=stretched(image, 1.2), **asked) < 1e-6
    assert loss(fused_y=image, **asked) > 1e-3


@pytest.mark.parametrize(("level", "sign"), [(0.1, 1), (0.5, 0), (0.9, -1)])
def test_stretched__dark_images_get_brighter_and_bright_ones_darker(level, sign):
    torch.manual_seed(0)
    image = level + 0.04 * (torch.rand(1, 1, 64, 64) - 0.5)
    image = image - image.mean() + level
    result = stretched(image, 1.3)
    assert round((result.mean() - level).item(), 2) == pytest.approx(0.03 * sign, abs=0.011)
    torch.testing.assert_close(result.std() / image.std(), torch.tensor(1.3))


def test_gradient_loss__a_step_counts_by_its_height():
    ramp = torch.zeros(1, 1, 8, 8)
    ramp[..., 4:] = 0.5
    flat = torch.zeros(1, 1, 8, 8)
    # Two columns of eight see the step: 0.5 * 2 / 8.
    value = gradient_loss(fused_y=flat, vis_y=ramp, ir=flat)
    torch.testing.assert_close(value, torch.tensor(0.125))


def test_gradient_loss__a_slope_that_no_camera_has_is_worse_than_none():
    glow = torch.linspace(0.2, 0.8, 32).expand(1, 1, 32, 32)
    flat = torch.full_like(glow, 0.6)
    rim = 1.0 - glow  # as steep as the glow, and darkest where it is brightest
    asked = {"vis_y": glow, "ir": flat}
    assert gradient_loss(fused_y=glow, **asked) == 0.0
    assert gradient_loss(fused_y=rim, **asked) > 1.9 * gradient_loss(fused_y=flat, **asked)


@pytest.mark.parametrize(
    ("first", "second", "fused", "distance"),
    [
        (0.5, 0.2, 0.5, 0.0),  # the steeper one
        (0.5, 0.2, 0.2, 0.3),  # the weaker one
        (0.5, 0.2, -0.5, 1.0),  # against both
        (0.5, -0.5, -0.5, 0.0),  # either
        (0.5, -0.2, -0.2, 0.3),  # the weaker one's direction
        (0.5, -0.2, -0.5, 0.6),  # steeper than it
        (0.5, -0.2, 0.0, 0.5),  # neither
        (0.0, 0.0, 0.3, 0.3),
    ],
)
def test_slope_distance__keeps_to_directions_that_a_camera_has(first, second, fused, distance):
    values = {"first": torch.tensor(first), "second": torch.tensor(second)}
    for sign in (1.0, -1.0):
        turned = {name: sign * value for name, value in values.items()}
        found = slope_distance(torch.tensor(sign * fused), **turned)
        torch.testing.assert_close(found, torch.tensor(distance))


@pytest.mark.parametrize(("veiling", "asked"), [(0.0, 1.0), (0.5, 0.5), (1.0, 0.0)])
def test_gradient_loss__asks_less_where_the_other_camera_is_saturated(veiling, asked):
    white, step = torch.ones(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)
    step[..., 8:] = 0.5
    whole = gradient_loss(fused_y=white, vis_y=0.5 * white, ir=step)
    for vis_y, ir in ((white, step), (step, white)):
        value = gradient_loss(fused_y=white, vis_y=vis_y, ir=ir, veiling=veiling)
        torch.testing.assert_close(value, asked * whole)


def test_gradient_loss__both_cameras_saturated_keep_their_edges():
    step = torch.zeros(1, 1, 16, 16)
    step[..., 8:] = 1.0
    assert gradient_loss(fused_y=step, vis_y=step, ir=step, veiling=1.0) == 0.0


def test_gradient_loss__glare_reaches_two_pixels():
    vis_y, ir = torch.zeros(1, 1, 9, 32), torch.zeros(1, 1, 9, 32)
    vis_y[..., :8] = 1.0
    for column, is_veiled in ((9, True), (20, False)):
        ir = torch.zeros_like(vis_y)
        ir[..., 4, column] = 0.5
        values = [gradient_loss(fused_y=vis_y, vis_y=vis_y, ir=ir, veiling=v) for v in (0.0, 1.0)]
        assert bool(values[1] < values[0]) is is_veiled


def test_ssim_loss__falls_towards_a_source():
    vis_y, ir = _planes()
    assert ssim_loss(fused_y=vis_y, vis_y=vis_y, ir=ir) < ssim_loss(
        fused_y=torch.rand_like(ir), vis_y=vis_y, ir=ir
    )


def test_fusion_loss__names_its_terms():
    vis_y, ir = _planes()
    assert list(fusion_loss(fused_y=vis_y, vis_y=vis_y, ir=ir)) == ["intensity", "gradient", "ssim"]
