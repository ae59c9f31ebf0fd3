import numpy as np
import pytest
import torch

from ssvif.errors import ModelError, ShapeError
from ssvif.files import sha256_file
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.places import CHAMPION, PRETRAINED, WEIGHTS_NAME
from ssvif.models.network import build_fusion
from ssvif.models.weights import save_model
from ssvif.ops import rgb_to_ycbcr


def _pair(height=40, width=56):
    generator = np.random.default_rng(0)
    # Colours away from the edges of the cube, so that none is clipped.
    vis = generator.integers(100, 140, (height, width, 3), dtype=np.uint8)
    return vis, generator.integers(90, 150, (height, width), dtype=np.uint8)


def _chroma(rgb):
    return rgb_to_ycbcr(torch.from_numpy(rgb).permute(2, 0, 1)[None] / 255.0)[:, 1:]


def test_fuser__keeps_the_visible_colour(fuser):
    vis, ir = _pair()
    fused = fuser(vis, ir)
    assert fused.shape == vis.shape
    assert fused.dtype == np.uint8
    torch.testing.assert_close(_chroma(fused), _chroma(vis), atol=2 / 255, rtol=0)
    assert np.abs(fused.astype(int) - vis.astype(int)).max() > 5


def test_fuser__grey_in_grey_out(fuser):
    vis, ir = _pair()
    assert fuser(vis[..., 0], ir).shape == ir.shape


def test_fuser__equal_grey_sources_come_back(fuser):
    _, ir = _pair()
    assert np.array_equal(fuser(ir, ir), ir)


def test_fuser__the_machine_view_has_what_the_network_learnt(tiny_network):
    vis, ir = _pair()
    fusion = build_fusion(tiny_network)
    with torch.no_grad():  # infrared, green, blue; an untrained network changes no tone
        fusion.recipe.mixing.copy_(100.0 * torch.eye(4)[[0, 2, 3]])
    fuser = Fuser(fusion, view="machine")
    assert np.array_equal(fuser(vis, ir), np.dstack([ir, vis[..., 1:]]))
    assert np.array_equal(fuser(vis[..., 0], ir), np.dstack([ir, vis[..., 0], vis[..., 0]]))


@pytest.mark.parametrize("view", ["fused", "machine"])
def test_fuser__what_is_not_a_number_is_refused(tiny_network, view):
    fusion = build_fusion(tiny_network)
    torch.nn.init.constant_(fusion.head.bias, float("nan"))
    torch.nn.init.constant_(fusion.recipe.mixing, float("nan"))
    with pytest.raises(ModelError, match="not numbers; train it again"):
        Fuser(fusion, view=view)(*_pair())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda vis, ir: (vis, ir[:-1]), "vis is 56x40, ir is 56x39; register the pair"),
        (lambda vis, ir: (vis.astype(float), ir), "uint8"),
        (lambda vis, ir: (vis[..., :2], ir), "expected vis"),
        (lambda vis, ir: (vis, ir[..., None]), "expected vis"),
    ],
)
def test_fuser__refuses_what_is_no_pair(fuser, change, words):
    with pytest.raises(ShapeError, match=words):
        fuser(*change(*_pair()))


def test_load__takes_a_bundle_folder_or_a_file(tmp_path, tiny_model, tiny_network):
    path = tmp_path / WEIGHTS_NAME
    save_model(path, tiny_model, network=tiny_network)
    vis, ir = _pair()
    assert np.array_equal(Fuser.load(tmp_path)(vis, ir), Fuser.load(path)(vis, ir))


def test_load__the_champion_or_what_comes_with_the_package(
    tmp_path, monkeypatch, tiny_model, tiny_network
):
    monkeypatch.chdir(tmp_path)
    assert Fuser.load().weights == sha256_file(PRETRAINED / WEIGHTS_NAME)
    path = CHAMPION / WEIGHTS_NAME
    path.parent.mkdir(parents=True)
    save_model(path, tiny_model, network=tiny_network)
    assert Fuser.load().weights == sha256_file(path)
