import numpy as np
import pytest
import torch

from ssvif.evaluation.corruptions import modality
from ssvif.evaluation.corruptions.draw import Draw


@pytest.fixture
def draw(pair) -> Draw:
    other = torch.full_like(pair[0], 0.25), torch.full_like(pair[1], 0.75)
    return Draw(np.random.default_rng(0), other)


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (modality.infrared_black, 0.0),
        (modality.infrared_grey, 128 / 255),
        (modality.infrared_frozen, 0.75),
    ],
)
def test_missing_infrared__is_gone_from_below(pair, draw, function, value) -> None:
    vis, ir = function(*pair, 40.0, draw)
    assert torch.equal(vis, pair[0])
    assert torch.equal(ir[..., :36, :], pair[1][..., :36, :])
    assert torch.equal(ir[..., 36:, :], torch.full((1, 1, 24, 80), value))


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (modality.visible_black, 0.0),
        (modality.visible_grey, 128 / 255),
        (modality.visible_frozen, 0.25),
    ],
)
def test_missing_visible__is_gone_as_a_whole(pair, draw, function, value) -> None:
    vis, ir = function(*pair, 100.0, draw)
    assert torch.equal(vis, torch.full_like(vis, value))
    assert torch.equal(ir, pair[1])


@pytest.mark.parametrize(("level", "contrast"), [(20.0, 0.6), (50.0, 0.0), (100.0, -1.0)])
def test_black_hot__turns_the_contrast_round(pair, draw, level, contrast) -> None:
    _, ir = modality.black_hot(*pair, level, draw)
    step = float(ir[0, 0, 30, 30] - ir[0, 0, 5, 5])
    assert step == pytest.approx(0.4 * contrast, abs=1e-6)


def test_near_infrared__shows_what_the_colours_say(draw) -> None:
    colours = torch.tensor([[0.2, 0.5, 0.2], [0.3, 0.5, 0.8], [0.4, 0.4, 0.4]])
    vis = colours.T.reshape(1, 3, 1, 3)
    _, near = modality.near_infrared(vis, torch.zeros(1, 1, 1, 3), 100.0, draw)
    leaf, sky, grey = near.flatten().tolist()
    assert leaf == pytest.approx(0.65)  # 0.2 + 1.5 * 0.3
    assert sky == pytest.approx(0.0)  # 0.3 - 0.6 * 0.5
    assert grey == pytest.approx(0.4)


def test_near_infrared__at_half_way_keeps_half_of_the_heat(pair, draw) -> None:
    vis = torch.full_like(pair[0], 0.4)
    _, ir = modality.near_infrared(vis, pair[1], 50.0, draw)
    torch.testing.assert_close(ir, 0.5 * pair[1] + 0.2)


def test_jpeg__is_worse_at_lower_quality_and_near_at_high(pair, draw) -> None:
    smooth = torch.linspace(0.2, 0.8, 80).expand_as(pair[0]).contiguous()
    error = [
        float((modality.jpeg(smooth, pair[1], quality, draw)[0] - smooth).abs().mean())
        for quality in (95.0, 50.0, 5.0)
    ]
    assert error[0] < 0.01
    assert error[0] < error[1] < error[2]
