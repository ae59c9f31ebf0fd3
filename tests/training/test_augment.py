import pytest
import torch

from ssvif.training.augment import TONES, draw_kept, draw_recipe, jitter, noisy_channel


def test_jitter__changes_images_within_range_and_lets_the_gradient_through():
    image = torch.rand(2, 3, 16, 16, requires_grad=True)
    changed, again = (jitter(image, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(changed, again)
    assert (changed - image).abs().mean() > 0.01
    assert changed.min() >= 0
    assert changed.max() <= 1
    changed.sum().backward()
    assert torch.isfinite(image.grad).all()
    assert image.grad.abs().sum() > 0


def test_jitter__finite_gradient_on_black():
    image = torch.zeros(1, 1, 8, 8, requires_grad=True)
    jitter(image, torch.Generator().manual_seed(0)).sum().backward()
    assert torch.isfinite(image.grad).all()


def test_noisy_channel__has_the_deviation_asked_for_and_lets_the_gradient_through():
    image = torch.full((1, 3, 64, 64), 0.5, requires_grad=True)
    noisy = noisy_channel(image, 0.1, torch.Generator().manual_seed(0))
    assert (noisy - image).std().item() == pytest.approx(0.1, rel=0.05)
    noisy.sum().backward()
    assert image.grad.abs().sum() > 0


def test_draw_kept__drops_either_camera_as_often_and_never_both():
    kept = draw_kept(4000, 0.25, torch.Generator().manual_seed(0))
    assert (kept.sum(dim=0) >= 1).all()
    torch.testing.assert_close(kept.mean(dim=1), torch.tensor([0.75, 0.75]), atol=0.03, rtol=0)
    assert (draw_kept(100, 0.0, torch.Generator().manual_seed(0)) == 1).all()


def test_draw_recipe__covers_its_range():
    shares, tones = draw_recipe(2000, torch.Generator().manual_seed(0))
    assert (shares.shape, tones.shape) == ((2000, 3, 4), (2000, 3))
    torch.testing.assert_close(shares.sum(2), torch.ones(2000, 3))
    assert (shares.amax(0) > 0.95).all(), "each channel may be any plane"
    torch.testing.assert_close(
        torch.stack([tones.min(), tones.max()]), torch.tensor(TONES), atol=0.01, rtol=0
    )
