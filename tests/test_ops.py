import numpy as np
import pytest
import torch
from scipy.signal import convolve2d
from skimage.metrics import structural_similarity as skimage_ssim
from torch import Tensor

from ssvif.errors import ShapeError
from ssvif.ops import (
    gaussian_window,
    luminance,
    rgb_to_ycbcr,
    separable_filter,
    sobel,
    ssim_map,
    with_chroma,
    ycbcr_to_rgb,
)


def noise(seed: int, *shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_rgb_to_ycbcr__grey_has_neutral_chroma() -> None:
    grey = torch.full((1, 3, 2, 2), 0.25)
    expected = torch.tensor([0.25, 0.5, 0.5]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    torch.testing.assert_close(rgb_to_ycbcr(grey), expected)


def test_ycbcr_to_rgb__is_the_inverse() -> None:
    image = noise(0, 2, 3, 5, 7)
    torch.testing.assert_close(ycbcr_to_rgb(rgb_to_ycbcr(image)), image)


def test_luminance__of_green_is_bt601_and_grey_stays() -> None:
    green = torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1)
    assert luminance(green).item() == pytest.approx(0.587)
    grey = noise(1, 1, 1, 4, 4)
    assert luminance(grey) is grey


def test_with_chroma__keeps_the_luminance_asked_for() -> None:
    vis = noise(10, 1, 3, 8, 8) * 0.2 + 0.4
    fused_y = torch.full((1, 1, 8, 8), 0.5, dtype=vis.dtype)
    torch.testing.assert_close(luminance(with_chroma(fused_y, vis)), fused_y)
    torch.testing.assert_close(with_chroma(luminance(vis), vis), vis)


def test_sobel__a_step_of_one_gives_four() -> None:
    step = torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(1, 1, 3, 4)
    horizontal, vertical = sobel(step)
    assert horizontal[0, 0, 1].tolist() == [0.0, 4.0, 4.0, 0.0]
    assert vertical.abs().max() == 0.0


@pytest.mark.parametrize("function", [rgb_to_ycbcr, ycbcr_to_rgb, luminance])
def test_colour__two_channels_are_refused(function) -> None:
    with pytest.raises(ShapeError, match="expected"):
        function(torch.zeros(1, 2, 4, 4))


def test_gaussian_window__has_sum_one_and_is_symmetric() -> None:
    window = gaussian_window(5, 1.0, like=noise(0, 1))
    assert window.dtype == torch.float64
    assert window.sum().item() == pytest.approx(1.0)
    torch.testing.assert_close(window, window.flip(0))


def test_separable_filter__equals_scipy() -> None:
    image, window = noise(2, 2, 3, 12, 14), noise(3, 5)
    square = torch.outer(window, window).flip(0, 1).numpy()
    filtered = separable_filter(image, window)
    assert filtered.shape == (2, 3, 8, 10)
    expected = convolve2d(image[1, 2].numpy(), square, mode="valid")
    np.testing.assert_allclose(filtered[1, 2].numpy(), expected, rtol=1e-12)


def test_ssim_map__equals_skimage() -> None:
    first, second = noise(4, 1, 1, 30, 34), noise(5, 1, 1, 30, 34)
    _, expected = skimage_ssim(
        first[0, 0].numpy(),
        second[0, 0].numpy(),
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    found = ssim_map(first, second)[0, 0].numpy()
    np.testing.assert_allclose(found, expected[5:-5, 5:-5], rtol=1e-9)


def test_ssim_map__scales_with_the_data_range() -> None:
    first, second = noise(6, 1, 2, 16, 16), noise(7, 1, 2, 16, 16)
    scaled = ssim_map(first * 255.0, second * 255.0, data_range=255.0)
    torch.testing.assert_close(scaled, ssim_map(first, second))


def test_ssim_map__gradient_is_right_and_zero_where_images_are_equal() -> None:
    first, second = noise(8, 1, 1, 12, 13).requires_grad_(), noise(9, 1, 1, 12, 13)
    assert torch.autograd.gradcheck(lambda image: ssim_map(image, second), first)
    ssim_map(first, first.detach()).sum().backward()
    torch.testing.assert_close(first.grad, torch.zeros_like(second), atol=1e-9, rtol=0.0)


@pytest.mark.parametrize("shape", [(1, 1, 10, 20), (1, 20, 20)])
def test_ssim_map__bad_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="11 pixels"):
        ssim_map(torch.zeros(shape), torch.zeros(shape))


def test_ssim_map__two_shapes_are_refused() -> None:
    with pytest.raises(ShapeError, match="one shape"):
        ssim_map(torch.zeros(1, 1, 20, 20), torch.zeros(1, 1, 20, 21))
