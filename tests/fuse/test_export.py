import numpy as np
import onnx
import pytest
import torch

from ssvif.errors import ModelError
from ssvif.files import sha256_file, sha256_folder
from ssvif.fuse import export
from ssvif.fuse.export import export_onnx
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.onnx_engine import OnnxEngine
from ssvif.fuse.places import FUSED_NAME, MACHINE_NAME, ONNX_NAME, PRETRAINED, WEIGHTS_NAME
from ssvif.fuse.torch_engine import TorchEngine
from ssvif.models.network import build_fusion
from ssvif.models.weights import load_fusion
from ssvif.params import NetworkParams


@pytest.fixture(scope="module")
def fusion():
    fusion = build_fusion(NetworkParams(channels=4, blocks=1))
    for parameter in fusion.parameters():
        torch.nn.init.normal_(parameter, std=0.15, generator=torch.Generator().manual_seed(0))
    return fusion


@pytest.fixture(scope="module")
def exported(fusion, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "onnx"
    agreement = export_onnx(fusion, folder, weights="a" * 64)
    return folder, agreement


def test_export_onnx__does_as_pytorch_does(fusion, exported):
    folder, agreement = exported
    assert agreement.levels <= 1
    assert agreement.share < 0.001
    generator = np.random.default_rng(0)
    engines = OnnxEngine(folder), TorchEngine(fusion)
    for shape in ((3, 50, 71), (1, 4, 4), (2, 1, 9)):
        vis = generator.integers(0, 256, (*shape, 3), dtype=np.uint8)
        ir = generator.integers(0, 256, shape, dtype=np.uint8)
        for view in ("fused", "machine"):
            first, second = (np.stack(Fuser(e, view=view).batch(vis, ir)) for e in engines)
            assert np.abs(first.astype(int) - second).max() <= 1


def test_export_onnx__equal_networks_give_equal_bytes_that_tell_no_secrets(
    fusion, exported, tmp_path
):
    export_onnx(fusion, tmp_path / "again", weights="a" * 64)
    assert sha256_folder(tmp_path / "again") == sha256_folder(exported[0])
    for path in exported[0].iterdir():
        model = onnx.load(path)
        assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
        assert b".py" not in path.read_bytes()


def test_export_onnx__refuses_files_that_do_otherwise(exported):
    other = TorchEngine(build_fusion(NetworkParams(channels=4, blocks=1)))
    with pytest.raises(ModelError, match=r"from PyTorch at most.*expected 1 at"):
        export._require_agreement(other, OnnxEngine(exported[0]))


def test_onnx_engine__knows_its_weights(exported):
    engine = OnnxEngine(exported[0])
    assert engine.weights == "a" * 64
    assert engine.halo % 4 == 0


def test_onnx_engine__refuses_files_of_two_models(exported, tmp_path):
    folder, _ = exported
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    other = PRETRAINED / ONNX_NAME / MACHINE_NAME
    (tmp_path / MACHINE_NAME).write_bytes(other.read_bytes())
    with pytest.raises(ModelError, match="not of one model"):
        OnnxEngine(tmp_path)


@pytest.mark.parametrize("content", [None, b"", b"no model"])
def test_onnx_engine__refuses_a_missing_or_damaged_file(exported, tmp_path, content):
    folder, _ = exported
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / FUSED_NAME).unlink()
    if content is not None:
        (tmp_path / FUSED_NAME).write_bytes(content)
    with pytest.raises(ModelError, match=r"fused\.onnx: not readable by ONNX Runtime"):
        OnnxEngine(tmp_path)


def test_onnx_engine__refuses_a_device_that_is_not_there(exported):
    with pytest.raises(ModelError, match=r"cannot run on tpu here; expected one of .*cpu"):
        OnnxEngine(exported[0], device="tpu")


def test_pretrained__its_onnx_files_are_of_its_weights():
    weights = PRETRAINED / WEIGHTS_NAME
    engine = OnnxEngine(PRETRAINED / ONNX_NAME)
    assert engine.weights == sha256_file(weights)
    generator = np.random.default_rng(0)
    vis = generator.integers(0, 256, (120, 160, 3), dtype=np.uint8)
    ir = generator.integers(0, 256, (120, 160), dtype=np.uint8)
    first, second = (Fuser(e)(vis, ir) for e in (engine, TorchEngine(load_fusion(weights))))
    assert np.abs(first.astype(int) - second).max() <= 1
