import pytest
import torch

from ssvif.errors import ParamsError
from ssvif.probes.network import build_probe


@pytest.mark.parametrize("trunks", [1, 2])
def test_probe__shapes(tiny_probes, trunks):
    probe = build_probe(tiny_probes, trunks=trunks, classes=4, with_boxes=True)
    output = probe([torch.rand(2, 3, 64, 96)] * trunks)
    assert output.scores.shape == (2, 4, 64, 96)
    assert output.heat.shape == (2, 3, 16, 24)
    assert output.extent.shape == (2, 4, 16, 24)


def test_probe__sizes_that_no_stride_divides(tiny_probes):
    probe = build_probe(tiny_probes, trunks=1, classes=3, with_boxes=False).eval()
    output = probe([torch.rand(1, 3, 75, 101)])
    assert output.scores.shape == (1, 3, 75, 101)
    assert output.heat is None


def test_probe__both_images_count(tiny_probes):
    torch.manual_seed(0)
    probe = build_probe(tiny_probes, trunks=2, classes=3, with_boxes=False).eval()
    vis, ir = torch.rand(2, 1, 3, 64, 64)
    both = probe([vis, ir]).scores
    assert not torch.equal(both, probe([vis, vis]).scores)
    assert not torch.equal(both, probe([ir, ir]).scores)


def test_probe__as_many_images_as_trunks(tiny_probes):
    probe = build_probe(tiny_probes, trunks=2, classes=3, with_boxes=False)
    with pytest.raises(ValueError, match="zip"):
        probe([torch.rand(1, 3, 64, 64)])


def test_build_probe__unknown_backbone(tiny_probes):
    params = tiny_probes.model_copy(update={"backbone": "resnet"})
    with pytest.raises(ParamsError, match=r"probes\.backbone: timm does not know"):
        build_probe(params, trunks=1, classes=3, with_boxes=False)
