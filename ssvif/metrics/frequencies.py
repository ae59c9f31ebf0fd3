"""Filters in the frequency domain, as models of the eye are given."""

import torch
from torch import Tensor


def radial_frequency(like: Tensor, *, cycles: float) -> Tensor:
    """Return the length of the spatial frequency at each place of a real transform.

    Args:
        like: Planes (B, 1, H, W); their size, device and dtype are taken.
        cycles: Frequency, for each pixel of a side, at half the sampling frequency.

    Returns:
        (H, W // 2 + 1), in cycles a degree of sight.
    """
    height, width = like.shape[-2:]
    options = {"device": like.device, "dtype": like.dtype}
    rows = 2.0 * cycles * height * torch.fft.fftfreq(height, **options)
    columns = 2.0 * cycles * width * torch.fft.rfftfreq(width, **options)
    return torch.hypot(rows[:, None], columns[None, :])


def filter_frequencies(planes: Tensor, gain: Tensor) -> Tensor:
    """Multiply the spectrum of planes (B, 1, H, W) by a gain (H, W // 2 + 1)."""
    filtered: Tensor = torch.fft.irfft2(torch.fft.rfft2(planes) * gain, s=planes.shape[-2:])
    return filtered
