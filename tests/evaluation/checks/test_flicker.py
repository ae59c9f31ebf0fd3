import pandas as pd
import pytest
import torch

from ssvif.errors import ShapeError
from ssvif.evaluation.checks.flicker import consecutive, flicker


@pytest.fixture
def frames() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    vis, ir = (torch.rand(4, 1, 30, 40, generator=generator) for _ in range(2))
    return {"vis": vis, "ir": ir}


@pytest.mark.parametrize("share", [0.0, 0.5, 0.8])
def test_flicker__of_a_weighted_mean_is_nothing(frames, share) -> None:
    fused = share * frames["vis"] + (1.0 - share) * frames["ir"]
    fused = (fused * 255.0).round() / 255.0
    assert flicker(fused=fused, **frames).tolist() == [0.0, 0.0, 0.0]


def test_flicker__of_the_maximum_is_nothing(frames) -> None:
    fused = torch.maximum(frames["vis"], frames["ir"])
    assert flicker(fused=fused, **frames).tolist() == pytest.approx([0.0] * 3)


def test_flicker__is_what_was_added_to_still_frames() -> None:
    still = torch.full((3, 1, 30, 40), 0.5)
    fused = still.clone()
    fused[1] += 11.0 / 255.0  # one level of it could be rounding
    assert flicker(fused=fused, vis=still, ir=still).tolist() == pytest.approx([10.0, 10.0])


def test_flicker__a_change_that_one_source_explains_is_none() -> None:
    still = torch.full((2, 1, 30, 40), 0.5)
    passing = still.clone()
    passing[1, ..., 10:20] = 0.9
    assert flicker(fused=passing, vis=still, ir=passing).item() == 0.0
    assert flicker(fused=still, vis=still, ir=passing).item() == 0.0
    assert flicker(fused=1.0 - passing, vis=still, ir=passing).item() > 20.0


def test_flicker__jumping_weights_are_seen() -> None:
    vis, ir = torch.full((2, 1, 8, 8), 0.2), torch.full((2, 1, 8, 8), 0.8)
    fused = torch.stack([vis[0], ir[0]])
    assert flicker(fused=fused, vis=vis, ir=ir).item() == pytest.approx(0.6 * 255.0 - 1.0)


@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (2, 1, 8, 9)])
def test_flicker__refuses_one_frame_and_other_sizes(shape) -> None:
    with pytest.raises(ShapeError, match="at least two frames"):
        flicker(fused=torch.zeros(shape), vis=torch.zeros(shape), ir=torch.zeros(shape[0], 1, 8, 8))


def test_consecutive__follows_natural_order_within_blocks() -> None:
    rows = pd.DataFrame(
        [
            ("a", "road", "f10", "road/f1"),
            ("b", "road", "f9", "road/f1"),
            ("c", "road", "f11", "road/f11"),
            ("d", "lane", "f9", "lane/f8"),
            ("e", "lane", "f8", "lane/f8"),
        ],
        columns=["id", "set", "name", "block"],
    )
    assert consecutive(rows) == [["e", "d"], ["b", "a"]]
