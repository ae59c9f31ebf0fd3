import pytest
import torch

from ssvif.evaluation.checks.gradients import gradients_kept


@pytest.fixture
def sources() -> dict[str, torch.Tensor]:
    """Edges at different places: vis upright, ir level."""
    vis, ir = torch.full((1, 1, 40, 40), 0.2), torch.full((1, 1, 40, 40), 0.2)
    vis[..., 10:] = 0.6
    ir[..., 20:, :] = 0.6
    return {"vis": vis, "ir": ir}


def kept(fused, sources):
    return tuple(share.item() for share in gradients_kept(fused=fused, **sources))


def test_gradients_kept__of_one_source_alone(sources) -> None:
    assert kept(sources["vis"], sources) == pytest.approx((1.0, 0.0), abs=0.06)
    assert kept(sources["ir"], sources) == pytest.approx((0.0, 1.0), abs=0.06)


def test_gradients_kept__of_the_mean_is_half_of_each(sources) -> None:
    fused = (sources["vis"] + sources["ir"]) / 2.0
    assert kept(fused, sources) == pytest.approx((0.5, 0.5), abs=0.02)


def test_gradients_kept__of_the_sum_is_all_and_no_more(sources) -> None:
    fused = sources["vis"] + sources["ir"]
    assert kept(fused, sources) == pytest.approx((1.0, 1.0))
    assert kept(3.0 * fused, sources) == pytest.approx((1.0, 1.0))


def test_gradients_kept__inverted_edges_count_nothing(sources) -> None:
    assert kept(1.0 - sources["vis"] - sources["ir"], sources) == (0.0, 0.0)


def test_gradients_kept__of_a_source_without_edges_is_not_known(sources) -> None:
    flat = torch.full_like(sources["vis"], 0.5)
    share_vis, share_ir = gradients_kept(fused=sources["vis"], vis=sources["vis"], ir=flat)
    assert share_vis.item() == pytest.approx(1.0)
    assert share_ir.isnan()
