import pytest
import torch

from ssvif.data.views import Pair
from ssvif.errors import ModelError
from ssvif.evaluation.candidates import (
    IR,
    MAX,
    MEAN,
    PLAIN,
    REDMAX,
    STACK,
    VIS,
    FusionCandidate,
    Scene,
    in_colour,
    segment,
)
from ssvif.models.machine import machine_view
from ssvif.ops import luminance, rgb_to_ycbcr

HALF_LEVEL = {"atol": 0.5 / 255 + 1e-6, "rtol": 0.0}
PLACE = {"id": "f00d", "set": "roads", "name": "001"}


def test_fuse__is_what_the_name_says(scene: Scene, candidates) -> None:
    vis_y, ir = scene.vis_y, scene.ir
    stage_two = candidates[1]
    torch.testing.assert_close(MEAN.fuse(scene), (vis_y + ir) / 2, **HALF_LEVEL)
    torch.testing.assert_close(MAX.fuse(scene), torch.maximum(vis_y, ir), **HALF_LEVEL)
    torch.testing.assert_close(stage_two.fuse(scene), 0.25 * vis_y + 0.75 * ir, **HALF_LEVEL)
    torch.testing.assert_close(VIS.fuse(scene), scene.vis, **HALF_LEVEL)
    torch.testing.assert_close(IR.fuse(scene), ir, **HALF_LEVEL)


def test_fuse__false_colours_hold_both_sources(scene: Scene) -> None:
    red, green, blue = STACK.fuse(scene).unbind(1)
    torch.testing.assert_close(red, scene.ir[:, 0], **HALF_LEVEL)
    torch.testing.assert_close(green, scene.vis_y[:, 0], **HALF_LEVEL)
    torch.testing.assert_close(blue, scene.vis[:, 2], **HALF_LEVEL)
    red, green, blue = REDMAX.fuse(scene).unbind(1)
    torch.testing.assert_close(red, torch.maximum(scene.vis[:, 0], scene.ir[:, 0]), **HALF_LEVEL)
    torch.testing.assert_close(green, scene.vis[:, 1], **HALF_LEVEL)
    torch.testing.assert_close(blue, scene.vis[:, 2], **HALF_LEVEL)


def test_fusion_candidate__its_machine_view_shows_what_the_recipe_says(
    scene: Scene, models
) -> None:
    fusion = models["stage_two"].fusion
    expected = machine_view(vis=scene.vis, ir=scene.ir, recipe=fusion(scene.vis_y, scene.ir).recipe)
    candidate = FusionCandidate("machine", fusion, view="machine")
    torch.testing.assert_close(candidate.fuse(scene), expected, **HALF_LEVEL)
    assert not candidate.fused, "no fusion metric scores it"


def test_fuse__holds_whole_grey_levels(scene: Scene, candidates) -> None:
    for candidate in (*candidates, *PLAIN.values()):
        levels = candidate.fuse(scene) * 255.0
        torch.testing.assert_close(levels, levels.round(), atol=1e-4, rtol=0.0)


def test_plain__only_the_mean_and_the_maximum_are_fusions() -> None:
    assert [name for name, candidate in PLAIN.items() if candidate.fused] == ["mean", "max"]
    assert all(candidate.live for candidate in PLAIN.values())


def test_fuse__what_is_not_a_number_is_refused(scene: Scene, models, candidates) -> None:
    models["stage_two"].share = float("nan")
    with pytest.raises(ModelError, match="stage_two: the image has values that are not"):
        candidates[1].fuse(scene)


def test_in_colour__grey_fusions_take_the_visible_chroma() -> None:
    # Mid-range colours, so that no channel is clipped.
    vis = torch.tensor([0.5, 0.4, 0.45]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    scene = Scene("f00d", "roads", "001", vis=vis, ir=torch.full((1, 1, 4, 4), 0.6))
    image = in_colour(MEAN, scene)
    level = {"atol": 2 / 255, "rtol": 0.0}
    torch.testing.assert_close(rgb_to_ycbcr(image)[:, 1:], rgb_to_ycbcr(vis)[:, 1:], **level)
    torch.testing.assert_close(luminance(image), MEAN.fuse(scene), **level)


def test_in_colour__infrared_stays_grey_and_colour_stays_as_it_is(scene: Scene) -> None:
    image = in_colour(IR, scene)
    assert image.shape == (1, 3, 50, 70)
    assert torch.equal(image[:, 0], image[:, 2])
    assert torch.equal(in_colour(STACK, scene), STACK.fuse(scene))


def test_segment__pads_for_the_branches_and_crops_to_the_scene(scene: Scene, models) -> None:
    found = segment(scene, models["stage_one"])
    assert models["stage_one"].segmented == [(1, 3, 64, 96)]
    assert found.feature_level.shape == found.pixel_level.shape == (13, 18)
    assert found.prototypes == 4


def test_segment__is_the_best_prototype(models) -> None:
    bright = Scene(**PLACE, vis=torch.ones(1, 3, 32, 32), ir=torch.ones(1, 1, 32, 32))
    found = segment(bright, models["stage_one"])
    assert found.feature_level.unique().tolist() == [3]
    assert found.pixel_level.unique().tolist() == [3]


def test_from_pair__scales_to_one() -> None:
    pair = Pair(
        vis=torch.full((3, 2, 2), 255, dtype=torch.uint8),
        ir=torch.zeros(1, 2, 2, dtype=torch.uint8),
    )
    scene = Scene.from_pair(pair, PLACE, torch.device("cpu"))
    assert (scene.id, scene.set, scene.name) == ("f00d", "roads", "001")
    assert scene.vis.shape == (1, 3, 2, 2)
    assert scene.vis_y.min().item() == pytest.approx(1.0)
    assert scene.ir.max() == 0.0
