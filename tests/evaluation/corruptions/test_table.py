from itertools import pairwise

import pytest
import torch

from ssvif.errors import ShapeError
from ssvif.evaluation.corruptions import BY_NAME, DEGRADATIONS, SEVERITIES, Degradation, corrupt

EACH = pytest.mark.parametrize("degradation", DEGRADATIONS, ids=lambda each: each.name)
# What is mixed towards its negative is flat half way; photon noise has no bound from below.
GETS_WORSE = [each for each in DEGRADATIONS if each.name != "black_hot"]


def changed(pair, worse):
    return sum(float((a - b).abs().mean()) for a, b in zip(pair, worse, strict=True))


@EACH
@pytest.mark.parametrize("severity", [1, SEVERITIES])
def test_corrupt__keeps_shape_range_and_grey_levels(pair, degradation, severity) -> None:
    worse = corrupt(*pair, degradation, severity, seed=0, pair="a")
    for before, after in zip(pair, worse, strict=True):
        assert after.shape == before.shape
        assert after.dtype == before.dtype
        assert after.min() >= 0.0
        assert after.max() <= 1.0
        torch.testing.assert_close((after * 255.0).round() / 255.0, after)
    if degradation.remaining is None or severity == SEVERITIES:
        assert changed(pair, worse) > 0.0


@EACH
def test_corrupt__is_the_same_for_every_candidate(pair, degradation) -> None:
    first, second = (corrupt(*pair, degradation, 3, seed=0, pair="a") for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("name", ["shift", "infrared_noise", "fixed_pattern", "glare"])
@pytest.mark.parametrize("draw", [{"seed": 1, "pair": "a"}, {"seed": 0, "pair": "b"}])
def test_corrupt__differs_between_seeds_and_pairs(pair, name, draw) -> None:
    first = corrupt(*pair, BY_NAME[name], 4, seed=0, pair="a")
    second = corrupt(*pair, BY_NAME[name], 4, **draw)
    assert changed(first, second) > 0.0


@pytest.mark.parametrize("degradation", GETS_WORSE, ids=lambda each: each.name)
def test_corrupt__gets_worse_with_severity(pair, degradation) -> None:
    damage = [
        changed(pair, corrupt(*pair, degradation, severity, seed=0, pair="a"))
        for severity in range(1, SEVERITIES + 1)
    ]
    assert all(later > 0.98 * earlier for earlier, later in pairwise(damage))
    assert damage[-1] > 1.3 * damage[0]


@EACH
def test_corrupt__leaves_the_other_camera_alone(pair, degradation) -> None:
    vis, ir = corrupt(*pair, degradation, SEVERITIES, seed=0, pair="a")
    touched = (not torch.equal(vis, pair[0]), not torch.equal(ir, pair[1]))
    if degradation.name == "jpeg":
        assert touched == (True, True)
    else:
        in_visible = degradation.name.startswith(("visible", "low_light", "glare", "fog"))
        assert touched == (in_visible, not in_visible)


def test_corrupt__frozen_frame_is_brought_to_size(pair) -> None:
    other = torch.full((1, 3, 30, 40), 0.2), torch.full((1, 1, 30, 40), 0.8)
    _, ir = corrupt(*pair, BY_NAME["infrared_frozen"], 3, seed=0, pair="a", other=other)
    assert torch.equal(ir[..., :24, :], pair[1][..., :24, :])
    assert float(ir[..., 24:, :].min()) == float(ir[..., 24:, :].max()) == pytest.approx(0.8)


def test_corrupt__without_another_scene_freezes_the_mirror_image(pair) -> None:
    vis, _ = corrupt(*pair, BY_NAME["visible_frozen"], SEVERITIES, seed=0, pair="a")
    assert torch.equal(vis, pair[0].flip(-1))


@pytest.mark.parametrize(
    ("vis", "ir"), [((1, 3, 8, 8), (1, 1, 8, 9)), ((1, 1, 8, 8), (1, 1, 8, 8))]
)
def test_corrupt__refuses_what_is_no_pair(vis, ir) -> None:
    with pytest.raises(ShapeError, match="expected vis"):
        corrupt(torch.zeros(vis), torch.zeros(ir), BY_NAME["shift"], 1, seed=0, pair="a")


@pytest.mark.parametrize("severity", [0, 6])
def test_corrupt__refuses_a_severity_that_is_none(pair, severity) -> None:
    with pytest.raises(IndexError, match="severity of 1 to 5"):
        corrupt(*pair, BY_NAME["shift"], severity, seed=0, pair="a")


def test_degradations__names_are_unique_and_levels_ordered() -> None:
    assert len(BY_NAME) == len(DEGRADATIONS)

    def ordered(each: Degradation) -> bool:
        return list(each.levels) in (sorted(each.levels), sorted(each.levels, reverse=True))

    assert all(ordered(each) for each in DEGRADATIONS)
