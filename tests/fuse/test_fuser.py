import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from ssvif.errors import ModelError, ShapeError
from ssvif.files import sha256_file
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.onnx_engine import OnnxEngine
from ssvif.fuse.places import CHAMPION, PRETRAINED, WEIGHTS_NAME
from ssvif.fuse.torch_engine import TorchEngine
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
    fuser = Fuser(TorchEngine(fusion), view="machine")
    assert np.array_equal(fuser(vis, ir), np.dstack([ir, vis[..., 1:]]))
    assert np.array_equal(fuser(vis[..., 0], ir), np.dstack([ir, vis[..., 0], vis[..., 0]]))


def test_fuser__features_that_are_not_numbers_are_refused(fuser, monkeypatch):
    look = fuser._engine.features
    monkeypatch.setattr(
        fuser._engine, "features", lambda *seen: (look(*seen)[0], np.full((1, 36), np.nan))
    )
    with pytest.raises(ModelError, match="not numbers; train it again"):
        fuser(*_pair())


@pytest.mark.parametrize("view", ["fused", "machine"])
@pytest.mark.parametrize("size", [(40, 56), (200, 33), (131, 97)])
def test_fuser__strips_make_what_the_whole_makes(tiny_network, view, size):
    fusion = build_fusion(tiny_network)
    for parameter in fusion.parameters():  # an untrained network does not look around
        torch.nn.init.normal_(parameter, std=0.15, generator=torch.Generator().manual_seed(0))
    engine = TorchEngine(fusion)
    whole = Fuser(engine, view=view)(*_pair(*size)).astype(int)
    cut = Fuser(engine, view=view, strip_pixels=size[1] * 8)(*_pair(*size)).astype(int)
    assert np.abs(whole - cut).max() <= 1
    assert (whole != cut).mean() < 0.01


def test_for_view__shares_the_network():
    vis, ir = _pair()
    fused = Fuser.load(PRETRAINED)
    machine = fused.for_view("machine")
    assert (fused.view, machine.view, machine.weights) == ("fused", "machine", fused.weights)
    assert machine._engine is fused._engine
    expected = Fuser.load(PRETRAINED, view="machine")(vis, ir)
    np.testing.assert_array_equal(machine(vis, ir), expected)


def test_batch__does_as_one_by_one(fuser):
    pairs = [_pair(), (_pair()[1], _pair()[1]), _pair()[::-1][::-1]]
    vis, ir = zip(*pairs, strict=True)
    for together, alone in zip(fuser.batch(vis, ir), map(fuser, vis, ir), strict=True):
        assert np.array_equal(together, alone)
    assert fuser.batch([], []) == []


def test_batch__refuses_two_sizes_and_odd_numbers(fuser):
    vis, ir = _pair()
    with pytest.raises(ShapeError, match="one size"):
        fuser.batch([vis, vis[1:]], [ir, ir[1:]])
    with pytest.raises(ShapeError, match="found 1, 2"):
        fuser.batch([vis], [ir, ir])


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


def test_load__says_that_there_is_no_model(tmp_path):
    with pytest.raises(ModelError, match=r"none: no such file or folder; see --model"):
        Fuser.load(tmp_path / "none")


def test_load__onnx_runtime_where_the_folder_has_files_for_it():
    assert isinstance(Fuser.load()._engine, OnnxEngine)
    assert isinstance(Fuser.load(engine="torch")._engine, TorchEngine)
    half = Fuser.load(precision="bfloat16")
    assert isinstance(half._engine, TorchEngine)
    assert half.precision == "bfloat16"


def test_load__half_precision_stays_near():
    vis, ir = _pair()
    whole, half = Fuser.load(), Fuser.load(precision="bfloat16")
    assert np.abs(whole(vis, ir).astype(int) - half(vis, ir)).mean() < 1.5


def test_load__refuses_onnx_files_of_other_weights(tmp_path, tiny_model, tiny_network):
    shutil.copytree(PRETRAINED, tmp_path / "model")
    save_model(tmp_path / "model" / WEIGHTS_NAME, tiny_model, network=tiny_network)
    with pytest.raises(ModelError, match=r"not made of .*weights\.safetensors"):
        Fuser.load(tmp_path / "model")


def test_load__refuses_onnx_runtime_without_its_files_or_at_half_precision(tmp_path):
    with pytest.raises(ModelError, match="ssvif export"):
        Fuser.load(tmp_path, engine="onnx")
    with pytest.raises(ModelError, match="needs PyTorch"):
        Fuser.load(engine="onnx", precision="bfloat16")


@pytest.mark.parametrize("view", ["fused", "machine"])
def test_for_many__fuses_the_same_from_several_threads_at_once(view):
    fuser = Fuser.load(PRETRAINED, view=view)
    many = fuser.for_many()
    pairs = [_pair(40 + 4 * number, 56) for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda pair: many(*pair), pairs))
    for pair, image in zip(pairs, found, strict=True):
        assert np.abs(image.astype(int) - fuser(*pair)).max() <= 1
    assert (many.weights, many.view) == (fuser.weights, fuser.view)
    assert many.for_many().callers == many.callers


def test_for_many__pytorch_takes_one_pair_after_the_other(fuser):
    assert fuser.for_many().callers == 1
