import pytest
import torch

from ssvif.probes.images import probe_image, reduced


def test_probe_image__bytes_at_the_probes_size(tiny_probes):
    image = probe_image(torch.full((1, 3, 100, 120), 0.25), tiny_probes)
    assert (image.shape, image.dtype) == ((3, 64, 64), torch.uint8)
    assert image.unique().tolist() == [64]


def test_probe_image__grey_stays_grey(tiny_probes):
    image = probe_image(torch.rand(1, 1, 64, 64), tiny_probes)
    assert torch.equal(image[0], image[1])
    assert torch.equal(image[0], image[2])


def test_probe_image__grey_takes_the_chroma_of_the_visible_image(tiny_probes):
    vis = torch.tensor([0.6, 0.4, 0.2]).view(1, 3, 1, 1).expand(-1, -1, 64, 64)
    luma = (0.299 * 0.6 + 0.587 * 0.4 + 0.114 * 0.2) * torch.ones(1, 1, 64, 64)
    image = probe_image(luma + 0.1, tiny_probes, vis=vis)
    torch.testing.assert_close(
        image[:, 0, 0].float(), torch.tensor([178.0, 128.0, 76.0]), atol=1, rtol=0
    )


def test_reduced__blocks_that_fit_are_averaged():
    image = torch.rand(2, 3, 8, 12)
    blocks = image.unfold(2, 2, 2).unfold(3, 3, 3)  # (2, 3, 4, 4, 2, 3)
    torch.testing.assert_close(reduced(image, (4, 4)), blocks.mean(dim=(-2, -1)))


def test_reduced__what_was_halved_before_is_seen_the_same(tiny_probes):
    image = torch.rand(1, 3, 128, 256)
    halved = torch.nn.functional.avg_pool2d(image, 2)
    seen, seen_halved = (probe_image(each, tiny_probes).int() for each in (image, halved))
    assert (seen - seen_halved).abs().max() <= 1  # sums in another order


@pytest.mark.parametrize("size", [(7, 12), (8, 12), (16, 30)])
def test_reduced__other_sizes_keep_brightness(size):
    image = torch.full((1, 1, 8, 12), 0.3)
    torch.testing.assert_close(reduced(image, size), torch.full((1, 1, *size), 0.3))
