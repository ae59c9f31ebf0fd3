import pytest
import torch

from ssvif.probes.network import build_probe
from ssvif.probes.score import average_precision, count_pixels, run_test, segment


@pytest.fixture(scope="module")
def probe(tiny_probes):
    torch.manual_seed(0)
    return build_probe(tiny_probes, trunks=1, classes=2, with_boxes=True).eval()


def test_count_pixels__by_hand():
    found = torch.tensor([[0, 1, 1], [2, 2, 0]], dtype=torch.uint8)
    target = torch.tensor([[0, 1, 0], [2, 1, 255]], dtype=torch.uint8)
    # intersection, union, target
    expected = [[1, 2, 2], [1, 3, 2], [1, 2, 1]]
    assert count_pixels(found, target, classes=3).tolist() == expected


def test_count_pixels__nothing_known():
    nothing = torch.full((2, 2), 255, dtype=torch.uint8)
    assert not count_pixels(torch.zeros_like(nothing), nothing, classes=3).any()


def test_run_test__counts_what_segment_finds(probe, box_task):
    task, images = box_task
    tested = run_test(probe, images, task, task.ids)
    masks = segment(probe, images, task.ids)
    assert masks[task.ids[0]].shape == (64, 64)
    for pair_id, counts in tested.counts.items():
        expected = count_pixels(masks[pair_id], task.masks[pair_id], classes=2)
        assert counts.tolist() == expected.tolist()
    assert set(tested.boxes) == set(task.ids)


def test_segment__alone_as_in_a_batch(probe, box_task):
    task, images = box_task
    together = segment(probe, images, task.ids)
    alone = segment(probe, images, task.ids[:1])
    assert (together[task.ids[0]] == alone[task.ids[0]]).float().mean() > 0.999


def _found(task, pair_id, *, score, shift=0.0):
    box = task.boxes[pair_id]
    return {
        "boxes": box[:, 1:] + shift,
        "scores": torch.tensor([score]),
        "labels": box[:, 0].long(),
    }


def test_average_precision__all_found(box_task):
    task, _ = box_task
    boxes = {i: _found(task, i, score=0.9) for i in task.test}
    assert average_precision(boxes, task) == pytest.approx({"all": 1.0, "square": 1.0})


def test_average_precision__a_better_score_for_the_wrong_half(box_task):
    task, _ = box_task
    right, wrong = task.test
    boxes = {
        right: _found(task, right, score=0.1),
        wrong: _found(task, wrong, score=0.9, shift=20.0),
    }
    # Half of the boxes are found, at a precision of 1 / 2.
    assert average_precision(boxes, task)["all"] == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(("shift", "precision"), [(7.0, 1.0), (9.0, 0.0)])
def test_average_precision__half_of_the_union_must_overlap(box_task, shift, precision):
    task, _ = box_task
    boxes = {i: _found(task, i, score=0.9) for i in task.test}
    for found in boxes.values():
        found["boxes"] = found["boxes"] + torch.tensor([shift, 0.0, shift, 0.0])
    # Squares of 24 pixels: (24 - 7) / (24 + 7) = 0.55, (24 - 9) / (24 + 9) = 0.45.
    assert average_precision(boxes, task)["all"] == pytest.approx(precision)
