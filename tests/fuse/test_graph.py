import pytest
import torch

from ssvif.fuse.graph import FeatureGraph, FusedGraph, MachineGraph, halo_of
from ssvif.fuse.tiles import STATISTICS, places
from ssvif.models.machine import machine_view
from ssvif.models.network import build_fusion
from ssvif.ops import luminance, with_chroma
from ssvif.params import NetworkParams


def _random_fusion(blocks=1, std=0.1):
    fusion = build_fusion(NetworkParams(channels=8, blocks=blocks)).eval()
    generator = torch.Generator().manual_seed(0)
    for parameter in fusion.parameters():
        torch.nn.init.normal_(parameter, std=std, generator=generator)
    return fusion


def _pairs(height, width, number=2):
    generator = torch.Generator().manual_seed(1)
    vis = torch.randint(0, 256, (number, height, width, 3), dtype=torch.uint8, generator=generator)
    ir = torch.randint(0, 256, (number, height, width), dtype=torch.uint8, generator=generator)
    return vis, ir


@torch.no_grad()
def _by_parts(fusion, vis, ir):
    features, sums = FeatureGraph(fusion)(vis, ir, torch.ones(ir.shape[1]))
    coarse, pixels = places(*ir.shape[1:])
    count = torch.full((sums.shape[1],), float(coarse))
    count[-STATISTICS:] = pixels
    means = sums / count
    return FusedGraph(fusion)(vis, ir, features, means), MachineGraph(fusion)(vis, ir, means)


@torch.no_grad()
def _as_trained(fusion, vis, ir):
    planes, ir_y = vis.permute(0, 3, 1, 2).float() / 255.0, ir[:, None].float() / 255.0
    fused = fusion(luminance(planes), ir_y)
    made = (
        with_chroma(fused.fused_y, planes),
        machine_view(vis=planes, ir=ir_y, recipe=fused.recipe),
    )
    return [(image * 255.0).round().to(torch.uint8).permute(0, 2, 3, 1) for image in made]


@pytest.mark.parametrize("size", [(48, 64), (37, 53), (4, 4), (1, 7)])
@pytest.mark.parametrize("blocks", [1, 2])
def test_parts__do_as_the_network_that_was_trained(size, blocks):
    fusion = _random_fusion(blocks)
    vis, ir = _pairs(*size)
    for parts, trained in zip(
        _by_parts(fusion, vis, ir), _as_trained(fusion, vis, ir), strict=True
    ):
        difference = (parts.int() - trained.int()).abs()
        assert difference.max() <= 1
        assert (difference > 0).float().mean() < 0.01


@pytest.mark.parametrize("dead", ["vis", "ir", "both"])
def test_parts__a_dead_camera_leaves_the_other_one(dead):
    vis, ir = _pairs(48, 64)
    if dead != "ir":
        vis = torch.full_like(vis, 90)
    if dead != "vis":
        ir = torch.full_like(ir, 200)
    fused, _ = _by_parts(_random_fusion(), vis, ir)
    expected = ir[..., None].expand_as(vis) if dead == "vis" else vis
    assert (fused.int() - expected.int()).abs().max() <= 1


def test_parts__change_nothing_in_the_network_they_come_from():
    fusion = _random_fusion()
    before = {name: values.clone() for name, values in fusion.state_dict().items()}
    for part in (FeatureGraph(fusion), FusedGraph(fusion), MachineGraph(fusion)):
        for parameter in part.parameters():
            torch.nn.init.zeros_(parameter)
    for name, values in fusion.state_dict().items():
        assert torch.equal(values, before[name]), name


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_halo_of__is_as_far_as_a_pixel_is_felt(blocks):
    fusion = _random_fusion(blocks).double().train()  # of a dead camera all would change
    for parameter in fusion.parameters():
        parameter.data.abs_().mul_(0.1)  # nothing is cut off or saturated on the way
    torch.nn.init.zeros_(fusion.whole.weight)  # what the whole is like is felt everywhere
    side = 4 * halo_of(fusion)
    vis_y = torch.full((1, 1, side, side), 1.0e-3, dtype=torch.float64)
    ir = vis_y.clone().requires_grad_()
    rows = []
    for middle in range(side // 2, side // 2 + 4):
        (felt,) = torch.autograd.grad(fusion(vis_y, ir).fused_y[0, 0, middle, middle], ir)
        seen = felt[0, 0].abs().amax(1).nonzero()
        rows += [middle - int(seen.min()), int(seen.max()) - middle]
    assert halo_of(fusion) - 4 < max(rows) <= halo_of(fusion)
    assert halo_of(fusion) % 4 == 0
