import pytest
import torch

from benchmarks.halos import slopes_against_both


def _lamp():
    torch.manual_seed(0)
    columns = (torch.arange(64) - 32.0).abs()
    glow = (1.0 - columns / 20.0).clamp(min=0.2).expand(1, 1, 64, 64)
    return glow, 0.6 + 0.02 * torch.rand(1, 1, 64, 64)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_slopes_against_both__a_mixture_has_none(share):
    vis, ir = _lamp()
    fused = share * vis + (1.0 - share) * ir
    assert slopes_against_both(fused=fused, vis=vis, ir=ir) == 0.0


def test_slopes_against_both__contrast_is_no_halo():
    vis, ir = _lamp()
    fused = (1.6 * torch.maximum(vis, ir) - 0.6).clamp(0.0, 1.0)
    assert slopes_against_both(fused=fused, vis=vis, ir=ir) < 1e-3


def test_slopes_against_both__a_dark_rim_is_found_in_its_image_alone():
    vis, ir = _lamp()
    plain = torch.maximum(vis, ir)
    rimmed = plain.clone()
    rimmed[..., 18:24] = torch.linspace(0.6, 0.1, 6)
    images = {"vis": vis.repeat(2, 1, 1, 1), "ir": ir.repeat(2, 1, 1, 1)}
    first, second = slopes_against_both(fused=torch.cat([plain, rimmed]), **images)
    assert first < 1e-3
    assert second > 0.1
