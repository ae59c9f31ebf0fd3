import pytest
import torch
import torch.nn.functional as F

from ssvif.errors import ShapeError
from ssvif.models.fusion import FusionNet, RepConv, without_dead


@pytest.fixture
def fusion():
    torch.manual_seed(0)
    return FusionNet(channels=8, blocks=1, residual=0.25)


@pytest.mark.parametrize(("in_channels", "out_channels", "stride"), [(4, 4, 1), (4, 8, 2)])
def test_rep_conv__one_kernel_equals_its_branches(in_channels, out_channels, stride):
    torch.manual_seed(0)
    conv = RepConv(in_channels, out_channels, stride=stride)
    image = torch.rand(2, in_channels, 12, 16)
    branches = conv.square(image) + conv.point(image)
    if conv.has_identity:
        branches = branches + image
    assert conv.has_identity == (stride == 1)
    torch.testing.assert_close(conv(image), branches)


@pytest.mark.parametrize("size", [(64, 64), (61, 77), (1, 1), (5, 640)])
def test_fusion_net__any_size(fusion, size):
    fused = fusion(torch.rand(2, 1, *size), torch.rand(2, 1, *size))
    assert fused.fused_y.shape == (2, 1, *size)
    assert fused.recipe.shares.shape == (2, 3, 4)
    assert fused.recipe.tones.shape == (2, 3)
    assert fused.fused_y.min() >= 0
    assert fused.fused_y.max() <= 1


def test_fusion_net__starts_near_the_pixel_maximum(fusion):
    vis_y, ir = torch.rand(1, 1, 32, 32), torch.rand(1, 1, 32, 32)
    start = fusion(vis_y, ir).fused_y
    to_maximum = (start - torch.maximum(vis_y, ir)).abs().mean()
    to_mean = (start - (vis_y + ir) / 2).abs().mean()
    assert to_maximum < 0.1 * to_mean


def test_fusion_net__equal_sources_stay_as_they_are(fusion):
    image = torch.rand(1, 1, 32, 32)
    torch.testing.assert_close(fusion(image, image).fused_y, image)


def test_fusion_net__the_residual_is_bounded(fusion):
    torch.nn.init.constant_(fusion.head.bias, 50.0)
    image = 0.5 * torch.rand(1, 1, 16, 16)
    torch.testing.assert_close(fusion(image, image).fused_y, image + 0.25)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_fusion_net__without_a_dead_camera(fusion, level):
    torch.nn.init.normal_(fusion.head.weight, std=0.1)
    fusion.eval()
    image, dead = torch.rand(2, 1, 32, 32), torch.full((2, 1, 32, 32), level)
    assert not torch.allclose(fusion(image, torch.rand(2, 1, 32, 32)).fused_y, image, atol=0.01)
    torch.testing.assert_close(fusion(image, dead).fused_y, image)
    torch.testing.assert_close(fusion(dead, image).fused_y, image)
    torch.testing.assert_close(fusion(dead, 1.0 - dead).fused_y, dead)
    # A window of training may be flat, and teaches all the same.
    assert not torch.allclose(fusion.train()(image, dead).fused_y, image, atol=0.01)


def test_without_dead__a_camera_fades():
    image, faint = torch.rand(1, 1, 32, 32), torch.rand(1, 1, 32, 32)
    faint = 0.5 + (faint - faint.mean()) / faint.std(correction=0)
    fused = torch.zeros(1, 1, 32, 32)
    shares = [
        without_dead(fused_y=fused, vis_y=image, ir=0.5 + spread * (faint - 0.5)) / image
        for spread in (0.0049, 0.006, 0.0075, 0.009, 0.0101)
    ]
    shares = [float(share.mean()) for share in shares]
    assert shares == pytest.approx([1.0, 0.8, 0.5, 0.2, 0.0], abs=1e-3)


def test_fusion_net__a_constant_batch_has_finite_gradients(fusion):
    flat = torch.full((1, 1, 16, 16), 0.5)
    fusion(flat, flat).fused_y.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in fusion.parameters() if p.grad is not None)


def test_fusion_net__padding_does_not_change_the_inside(fusion):
    torch.nn.init.normal_(fusion.head.weight, std=0.1)
    vis_y, ir = torch.rand(1, 1, 64, 64), torch.rand(1, 1, 64, 64)
    whole = fusion(vis_y, ir).fused_y
    padded = fusion(F.pad(vis_y, (0, 3, 0, 1)), F.pad(ir, (0, 3, 0, 1))).fused_y
    torch.testing.assert_close(padded[..., :32, :32], whole[..., :32, :32])


def test_fusion_net__knows_everywhere_what_the_whole_is_like(fusion):
    torch.nn.init.normal_(fusion.head.weight, std=0.1)
    image = torch.rand(1, 1, 32, 256)
    other = torch.cat([image[..., :128], 0.2 * image[..., 128:]], dim=3)

    def left() -> list[torch.Tensor]:
        return [fusion(plane, plane).fused_y[..., :64] for plane in (image, other)]

    torch.testing.assert_close(*left())
    torch.nn.init.normal_(fusion.whole.weight, std=0.1)
    assert not torch.allclose(*left(), atol=1e-3)


def test_fusion_net__refuses_planes_that_differ(fusion):
    with pytest.raises(ShapeError, match="of one size"):
        fusion(torch.rand(1, 1, 8, 8), torch.rand(1, 1, 8, 9))
    with pytest.raises(ShapeError, match="of one size"):
        fusion(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8))


def test_fusion_net__is_light():
    parameters = sum(
        p.numel() for p in FusionNet(channels=16, blocks=2, residual=0.25).parameters()
    )
    assert parameters < 200_000
