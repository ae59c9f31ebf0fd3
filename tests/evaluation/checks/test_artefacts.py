import pytest
import torch
from scipy.ndimage import gaussian_filter

from ssvif.evaluation.checks.artefacts import (
    halo,
    halo_saturated,
    noise_gain,
    noise_gain_saturated,
)


def sharpened(plane, amount):
    """Unsharp masking, which is what makes halos."""
    blurred = torch.from_numpy(gaussian_filter(plane.numpy(), (0, 0, 3.0, 3.0)))
    return plane + amount * (plane - blurred)


def noisy(plane, grey_levels, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return plane + torch.randn(plane.shape, generator=generator) * grey_levels / 255.0


def test_halo__of_the_mean_is_nothing(planes) -> None:
    fused = (planes["vis"] + planes["ir"]) / 2.0
    assert float(halo(fused=fused, **planes)) == 0.0


def test_halo__grows_with_unsharp_masking(planes) -> None:
    mean = (planes["vis"] + planes["ir"]) / 2.0
    found = [float(halo(fused=sharpened(mean, amount), **planes)) for amount in (0.0, 0.5, 1.0)]
    assert found[0] < found[1] < found[2]
    assert found[2] > 2.0  # ten times what the table calls bad


def test_halo__is_the_mean_overshoot_in_the_band() -> None:
    flat = torch.full((1, 1, 40, 60), 0.2)
    flat[..., 30:] = 0.8
    fused = flat.clone()
    fused[..., 30:34] += 0.1  # 25.5 grey levels on 4 of the 18 columns near the edge
    found = float(halo(fused=fused, vis=flat, ir=flat))
    assert found == pytest.approx(25.5 * 4 / 18, rel=1e-4)


def test_halo__a_fused_image_brighter_all_over_has_none(planes) -> None:
    assert float(halo(fused=planes["vis"] + 0.2, **planes)) == pytest.approx(0.0, abs=0.6)


@pytest.mark.parametrize("contrast", [1.2, 1.4])
def test_halo__more_contrast_is_none(planes, contrast) -> None:
    stronger = torch.maximum(planes["vis"], planes["ir"])
    fused = (0.4 + contrast * (stronger - 0.4)).clamp(0.0, 1.0)
    assert float(halo(fused=fused, **planes)) < 0.1  # half of what the table calls bad
    assert float(halo(fused=sharpened(fused, 1.0), **planes)) > 1.0


def test_halo__where_everything_is_near_an_edge_all_of_it_counts() -> None:
    vis = torch.full((1, 1, 40, 8), 0.2)
    vis[..., 4:] = 0.8
    assert float(halo(fused=vis + 0.1, vis=vis, ir=vis)) > 10.0


def test_halo__without_edges_is_not_known() -> None:
    flat = torch.full((2, 1, 20, 20), 0.5)
    assert halo(fused=flat, vis=flat, ir=flat).isnan().all()
    assert halo_saturated(fused=flat, vis=flat, ir=flat).isnan().all()


def test_halo_saturated__sees_rings_around_lamps() -> None:
    vis = torch.full((1, 1, 60, 60), 0.3)
    vis[..., 25:35, 25:35] = 1.0
    ir = torch.full_like(vis, 0.3)
    ringed = vis.clone()
    ringed[..., 19:41, 19:41] = torch.where(vis[..., 19:41, 19:41] < 1.0, 0.1, 1.0)
    assert float(halo_saturated(fused=vis, vis=vis, ir=ir)) == 0.0
    assert float(halo_saturated(fused=ringed, vis=vis, ir=ir)) > 20.0


@pytest.mark.parametrize(("gain", "expected"), [(1.0, 1.0), (3.0, 3.0)])
def test_noise_gain__is_how_much_noise_grows(gain, expected) -> None:
    flat = torch.full((1, 1, 120, 120), 0.5)
    vis, ir = noisy(flat, 2.0), noisy(flat, 1.0, seed=2)
    fused = flat + gain * (vis - flat)
    assert float(noise_gain(fused=fused, vis=vis, ir=ir)) == pytest.approx(expected, rel=0.01)


def test_noise_gain__of_the_mean_of_two_noises_is_root_half() -> None:
    flat = torch.full((1, 1, 200, 200), 0.5)
    vis, ir = noisy(flat, 2.0), noisy(flat, 2.0, seed=2)
    found = float(noise_gain(fused=(vis + ir) / 2.0, vis=vis, ir=ir))
    assert found == pytest.approx(0.5**0.5, rel=0.02)


def test_noise_gain__does_not_take_edges_for_noise(planes) -> None:
    assert float(noise_gain(fused=planes["vis"], **planes)) == pytest.approx(1.0, rel=0.05)


def test_noise_gain__without_flat_places_is_not_known() -> None:
    white = torch.ones(1, 1, 60, 60)
    assert noise_gain(fused=white, vis=white, ir=0.5 * white).isnan().all()


def test_noise_gain_saturated__sees_noise_near_lamps_alone() -> None:
    flat = torch.full((1, 1, 120, 120), 0.5)
    ir = flat.clone()
    ir[..., :40, :] = 1.0
    vis = noisy(flat, 1.0)
    fused = torch.where(torch.arange(120)[:, None] < 48, noisy(flat, 5.0), vis)
    near = float(noise_gain_saturated(fused=fused, vis=vis, ir=ir))
    assert near == pytest.approx(5.0, rel=0.35)
    assert near > 1.5 * float(noise_gain(fused=fused, vis=vis, ir=ir))
