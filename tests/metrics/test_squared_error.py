import math

import pytest
import torch

from ssvif.metrics.squared_error import PSNR_CEILING, mean_squared_error, peak_signal_to_noise


def plane(level: float) -> torch.Tensor:
    return torch.full((1, 1, 8, 9), level / 255.0)


def test_mean_squared_error__by_hand() -> None:
    score = mean_squared_error(fused=plane(20), vis=plane(17), ir=plane(30))
    assert score.item() == pytest.approx((3**2 + 10**2) / 2)


def test_peak_signal_to_noise__by_hand() -> None:
    score = peak_signal_to_noise(fused=plane(20), vis=plane(10), ir=plane(30))
    assert score.item() == pytest.approx(20 * math.log10(255 / 10))


def test_peak_signal_to_noise__literature_takes_the_fused_maximum_for_the_peak() -> None:
    score = peak_signal_to_noise(
        fused=plane(20), vis=plane(10), ir=plane(30), convention="literature"
    )
    assert score.item() == pytest.approx(20 * math.log10(20 / 10))


def test_peak_signal_to_noise__equal_images_reach_the_ceiling() -> None:
    score = peak_signal_to_noise(fused=plane(20), vis=plane(20), ir=plane(20)).item()
    assert score == pytest.approx(PSNR_CEILING) == pytest.approx(58.9226, abs=1e-4)
