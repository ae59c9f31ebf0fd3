import pytest
import torch

from ssvif.probes.centre_points import centre_loss, draw_centres, find_boxes

SIZE = (32, 48)
BOXES = torch.tensor([[1.0, 8, 4, 20, 12], [2.0, 30, 10, 38, 30]])


@pytest.fixture
def centres():
    return draw_centres([BOXES, torch.empty(0, 5)], things=2, size=SIZE)


def _logits(centres):
    return torch.logit(centres.heat, eps=1e-6)


def test_draw_centres__one_peak_a_box(centres):
    assert centres.heat.shape == (2, 2, 8, 12)
    assert (centres.heat == 1.0).nonzero().tolist() == [[0, 0, 2, 3], [0, 1, 5, 8]]
    assert centres.at_centre.sum() == 2


def test_draw_centres__sides_that_the_stride_does_not_divide():
    box = torch.tensor([[1.0, 40, 70, 49, 75]])
    centres = draw_centres([box], things=1, size=(75, 50))
    assert centres.heat.shape == (1, 1, 19, 13)  # as the network's features
    torch.testing.assert_close(find_boxes(_logits(centres), centres.extent)[0]["boxes"][:1],
                               box[:, 1:])  # fmt: skip


def test_find_boxes__finds_what_was_drawn(centres):
    found, nothing = find_boxes(_logits(centres), centres.extent)
    order = found["labels"][:2].argsort()
    torch.testing.assert_close(found["boxes"][:2][order], BOXES[:, 1:])
    assert found["labels"][:2][order].tolist() == [1, 2]
    assert found["scores"][:2].min() > 0.99
    assert found["scores"][2:].max() < 1e-5
    assert nothing["scores"].max() < 1e-5


def test_find_boxes__boxes_stay_in_the_image(centres):
    found = find_boxes(_logits(centres), centres.extent + 100.0)[0]
    assert found["boxes"][0].tolist() == [0, 0, SIZE[1], SIZE[0]]


def test_centre_loss__least_where_it_is_right(centres):
    right = centre_loss(_logits(centres), centres.extent, centres)
    wrong_place = centre_loss(_logits(centres).roll(2, dims=-1), centres.extent, centres)
    wrong_size = centre_loss(_logits(centres), centres.extent + 2.0, centres)
    assert right < 0.1
    # 0.1 for each pixel of the grid: four sides that are off by two.
    torch.testing.assert_close(wrong_size - right, torch.tensor(0.8))
    assert wrong_place > 1.0


def test_centre_loss__finite_with_nothing_to_find():
    empty = draw_centres([torch.empty(0, 5)], things=2, size=SIZE)
    heat = torch.zeros(1, 2, 8, 12, requires_grad=True)
    extent = torch.zeros(1, 4, 8, 12, requires_grad=True)
    loss = centre_loss(heat, extent, empty)
    loss.backward()
    assert loss.isfinite()
    assert (heat.grad > 0).all()
    assert not extent.grad.any()


def test_centre_loss__only_centres_teach_extents(centres):
    extent = torch.zeros_like(centres.extent, requires_grad=True)
    centre_loss(_logits(centres), extent, centres).backward()
    assert torch.equal(extent.grad != 0, (centres.extent != 0))
