"""Image arithmetic on tensors: colour planes, gradients, Gaussian windows.

Images are float tensors (B, C, H, W) in [0, 1]; every function follows its input's device
and dtype.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from ssvif.errors import ShapeError

# ITU-R BT.601, full range, as JPEG uses it.
LUMA = (0.299, 0.587, 0.114)
_CB_SCALE = 0.5 / (1.0 - LUMA[2])
_CR_SCALE = 0.5 / (1.0 - LUMA[0])
# Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity".
SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SSIM_K1 = 0.01
SSIM_K2 = 0.03


def rgb_to_ycbcr(image: Tensor) -> Tensor:
    """Split RGB into luminance and chroma (BT.601, full range).

    Args:
        image: (B, 3, H, W) in [0, 1].

    Returns:
        (B, 3, H, W): Y in [0, 1], Cb and Cr in [0, 1] with 0.5 for grey.

    Raises:
        ShapeError: If the image does not have three channels.
    """
    _require_channels(image, 3)
    red, green, blue = image.unbind(1)
    luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    cb = (blue - luma) * _CB_SCALE + 0.5
    cr = (red - luma) * _CR_SCALE + 0.5
    return torch.stack([luma, cb, cr], dim=1)


def ycbcr_to_rgb(image: Tensor) -> Tensor:
    """Join luminance and chroma to RGB, clipped to [0, 1]; the inverse of `rgb_to_ycbcr`.

    Raises:
        ShapeError: If the image does not have three channels.
    """
    _require_channels(image, 3)
    luma, cb, cr = image.unbind(1)
    red = luma + (cr - 0.5) / _CR_SCALE
    blue = luma + (cb - 0.5) / _CB_SCALE
    green = (luma - LUMA[0] * red - LUMA[2] * blue) / LUMA[1]
    return torch.stack([red, green, blue], dim=1).clamp(0.0, 1.0)


def luminance(image: Tensor) -> Tensor:
    """Return the luminance (B, 1, H, W) of an RGB or a grey image.

    Raises:
        ShapeError: If the image has neither one nor three channels.
    """
    if image.dim() == 4 and image.shape[1] == 1:
        return image
    return rgb_to_ycbcr(image)[:, :1]


def with_chroma(luma: Tensor, vis: Tensor) -> Tensor:
    """Give a luminance (B, 1, H, W) the chroma of a visible image: RGB (B, 3, H, W)."""
    return ycbcr_to_rgb(torch.cat([luma, rgb_to_ycbcr(vis)[:, 1:]], dim=1))


def sobel(image: Tensor) -> tuple[Tensor, Tensor]:
    """Return horizontal and vertical Sobel derivatives, borders replicated.

    Args:
        image: (B, 1, H, W).

    Returns:
        Two tensors (B, 1, H, W); a step of 1 grey value gives 4.

    Raises:
        ShapeError: If the image does not have one channel.
    """
    _require_channels(image, 1)
    padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
    smooth_rows = padded[:, :, :-2] + 2.0 * padded[:, :, 1:-1] + padded[:, :, 2:]
    smooth_columns = padded[..., :-2] + 2.0 * padded[..., 1:-1] + padded[..., 2:]
    horizontal = smooth_rows[..., 2:] - smooth_rows[..., :-2]
    vertical = smooth_columns[:, :, 2:] - smooth_columns[:, :, :-2]
    return horizontal, vertical


def gaussian_window(size: int, sigma: float, *, like: Tensor) -> Tensor:
    """Return a one-dimensional Gaussian of `size` taps and sum 1, on the device of `like`."""
    position = torch.arange(size, device=like.device, dtype=like.dtype) - (size - 1) / 2
    window = torch.exp(-0.5 * (position / sigma) ** 2)
    return window / window.sum()


def separable_filter(image: Tensor, window: Tensor, *, step: int = 1) -> Tensor:
    """Filter every plane with a window along both axes, only where it fits ("valid").

    Args:
        image: (..., H, W).
        window: (T,).
        step: Distance between the places that are filtered.

    Returns:
        (..., ceil((H - T + 1) / step), ceil((W - T + 1) / step)).
    """
    return _filter_rows(_filter_rows(image, window, step).mT, window, step).mT


def ssim_map(first: Tensor, second: Tensor, *, data_range: float = 1.0) -> Tensor:
    """Return the structural similarity of two images at every place where the window fits.

    Differentiable in both images; Gaussian window of 11 taps, sigma 1.5.

    Args:
        first: (B, C, H, W), with H and W of at least 11.
        second: The same shape.
        data_range: Distance from black to white.

    Returns:
        (B, C, H - 10, W - 10) in [-1, 1]; 1 where the images are equal.

    Raises:
        ShapeError: If the shapes differ or a side is shorter than the window.
    """
    if first.dim() != 4 or first.shape != second.shape or min(first.shape[-2:]) < SSIM_WINDOW:
        raise ShapeError(
            f"expected two images (B, C, H, W) of one shape and at least {SSIM_WINDOW} pixels a "
            f"side, found {tuple(first.shape)} and {tuple(second.shape)}"
        )
    products = (first, second, first * first, second * second, first * second)
    window = gaussian_window(SSIM_WINDOW, SSIM_SIGMA, like=first)
    moments = separable_filter(torch.cat(products, dim=1), window)  # (B, 5C, H - 10, W - 10)
    mean_1, mean_2, square_1, square_2, product = moments.chunk(5, dim=1)
    variances = (square_1 - mean_1**2) + (square_2 - mean_2**2)
    covariance = product - mean_1 * mean_2
    c1, c2 = (SSIM_K1 * data_range) ** 2, (SSIM_K2 * data_range) ** 2
    likeness = (2.0 * mean_1 * mean_2 + c1) * (2.0 * covariance + c2)
    return likeness / ((mean_1**2 + mean_2**2 + c1) * (variances + c2))


def _filter_rows(image: Tensor, window: Tensor, step: int) -> Tensor:
    # Shifted sums: 2 ms where conv2d of one channel takes 70 (five planes of 480x640, 2 cores).
    rows = image.shape[-2] - len(window) + 1
    filtered = image[..., :rows:step, :] * window[0]
    for tap in range(1, len(window)):
        filtered.addcmul_(image[..., tap : tap + rows : step, :], window[tap])
    return filtered


def _require_channels(image: Tensor, channels: int) -> None:
    if image.dim() != 4 or image.shape[1] != channels:
        raise ShapeError(f"expected (B, {channels}, H, W), found {tuple(image.shape)}")
