import torch

from ssvif.probes.batches import draw_batches
from ssvif.probes.labels import fill_boxes
from ssvif.seeding import numpy_generator


def _batches(task, images, params, *, seed=0):
    return list(draw_batches(images, task, task.ids, params, numpy_generator(seed, "crops")))


def test_draw_batches__image_mask_and_boxes_are_cut_alike(box_task, tiny_probes):
    task, images = box_task
    params = tiny_probes.model_copy(update={"steps": 6})
    for batch in _batches(task, images, params):
        square = batch.images[0][:, 0] > 0.5
        assert torch.equal(square, batch.masks == 1)
        for mask, boxes in zip(batch.masks, batch.boxes, strict=True):
            if len(boxes):
                assert torch.equal(fill_boxes(boxes, (32, 32)), mask.byte())


def test_draw_batches__the_same_crops_whatever_the_images(box_task, tiny_probes):
    task, images = box_task
    others = {i: (255 - image, image) for i, (image,) in images.items()}
    for one, two in zip(
        _batches(task, images, tiny_probes), _batches(task, others, tiny_probes), strict=True
    ):
        assert torch.equal(one.masks, two.masks)
        assert torch.equal(one.images[0], two.images[1])


def test_draw_batches__every_pair_before_any_again(semantic_task, tiny_probes):
    task, _ = semantic_task
    numbered = {i: (torch.full((3, 64, 64), n, dtype=torch.uint8),) for n, i in enumerate(task.ids)}
    params = tiny_probes.model_copy(update={"steps": 3})
    seen = [
        round(image.max().item() * 255)
        for batch in _batches(task, numbered, params)
        for image in batch.images[0]
    ]
    assert sorted(seen) == list(range(6))


def test_draw_batches__more_in_a_batch_than_pairs(semantic_task, tiny_probes):
    task, images = semantic_task
    params = tiny_probes.model_copy(update={"batch": 13, "steps": 2})
    assert [len(batch.masks) for batch in _batches(task, images, params)] == [13, 13]


def test_draw_batches__crops_larger_than_the_image(semantic_task, tiny_probes):
    task, images = semantic_task
    params = tiny_probes.model_copy(update={"crop_height": 96, "crop_width": 96})
    assert _batches(task, images, params)[0].masks.shape == (2, 64, 64)


def test_draw_batches__a_box_cut_off_for_the_most_part_is_dropped(box_task, tiny_probes):
    task, images = box_task
    params = tiny_probes.model_copy(update={"steps": 20})
    squares = [
        (int((mask == 1).sum()), len(boxes))
        for batch in _batches(task, images, params)
        for mask, boxes in zip(batch.masks, batch.boxes, strict=True)
    ]
    assert {count for _, count in squares} == {0, 1}
    for pixels, count in squares:
        assert count == (pixels >= 0.3 * 24**2)
