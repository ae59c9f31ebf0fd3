import pytest
import torch

from ssvif.data.views import Pair
from ssvif.errors import ModelError
from ssvif.evaluation.candidates import CANDIDATES, Scene, fuse_candidates, segment


def test_fuse_candidates__are_what_they_say(scene: Scene, models) -> None:
    fused = fuse_candidates(scene, models)
    assert tuple(fused) == CANDIDATES
    vis_y, ir = scene.vis_y, scene.ir
    half_level = {"atol": 0.5 / 255 + 1e-6, "rtol": 0.0}
    torch.testing.assert_close(fused["mean"], (vis_y + ir) / 2, **half_level)
    torch.testing.assert_close(fused["max"], torch.maximum(vis_y, ir), **half_level)
    torch.testing.assert_close(fused["stage_two"], 0.25 * vis_y + 0.75 * ir, **half_level)


def test_fuse_candidates__hold_whole_grey_levels(scene: Scene, models) -> None:
    for plane in fuse_candidates(scene, models).values():
        levels = plane * 255.0
        torch.testing.assert_close(levels, levels.round(), atol=1e-4, rtol=0.0)


def test_fuse_candidates__what_is_not_a_number_is_refused(scene: Scene, models) -> None:
    models["stage_two"].share = float("nan")
    with pytest.raises(ModelError, match="stage_two: the fused image has values that are not"):
        fuse_candidates(scene, models)


def test_segment__pads_for_the_branches_and_crops_to_the_scene(scene: Scene, models) -> None:
    found = segment(scene, models["stage_one"])
    assert models["stage_one"].segmented == [(1, 3, 64, 96)]
    assert found.feature_level.shape == found.pixel_level.shape == (13, 18)
    assert found.prototypes == 4


def test_segment__is_the_best_prototype(models) -> None:
    bright = Scene(vis=torch.ones(1, 3, 32, 32), ir=torch.ones(1, 1, 32, 32))
    found = segment(bright, models["stage_one"])
    assert found.feature_level.unique().tolist() == [3]
    assert found.pixel_level.unique().tolist() == [3]


def test_from_pair__scales_to_one() -> None:
    pair = Pair(
        vis=torch.full((3, 2, 2), 255, dtype=torch.uint8),
        ir=torch.zeros(1, 2, 2, dtype=torch.uint8),
    )
    scene = Scene.from_pair(pair, torch.device("cpu"))
    assert scene.vis.shape == (1, 3, 2, 2)
    assert scene.vis_y.min().item() == pytest.approx(1.0)
    assert scene.ir.max() == 0.0
