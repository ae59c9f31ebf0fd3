import numpy as np
import onnx
import pytest
import torch

from ssvif.errors import ModelError
from ssvif.files import sha256_folder
from ssvif.fuse import export
from ssvif.fuse.export import export_onnx
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.onnx_engine import OnnxEngine
from ssvif.fuse.places import ONNX_NAME, PRETRAINED
from ssvif.fuse.torch_engine import TorchEngine
from ssvif.models.network import build_fusion
from ssvif.params import NetworkParams


@pytest.fixture(scope="module")
def fusion():
    fusion = build_fusion(NetworkParams(channels=4, blocks=1))
    for parameter in fusion.parameters():
        torch.nn.init.normal_(parameter, std=0.15, generator=torch.Generator().manual_seed(0))
    return fusion


@pytest.fixture(scope="module")
def exported(fusion, tmp_path_factory):
    """The network's ONNX files, and how near they were found to be."""
    folder = tmp_path_factory.mktemp("exported") / "onnx"
    return folder, export_onnx(fusion, folder, weights="a" * 64)


@pytest.mark.slow
def test_export_onnx__does_as_pytorch_does(fusion, exported):
    folder, agreement = exported
    assert agreement.levels <= 1
    assert agreement.share < 0.001
    generator = np.random.default_rng(0)
    engines = OnnxEngine(folder), TorchEngine(fusion)
    assert engines[0].weights == "a" * 64
    assert engines[0].halo == engines[1].halo
    for shape in ((3, 50, 71), (1, 4, 4), (2, 1, 9)):
        vis = generator.integers(0, 256, (*shape, 3), dtype=np.uint8)
        ir = generator.integers(0, 256, shape, dtype=np.uint8)
        for view in ("fused", "machine"):
            first, second = (np.stack(Fuser(e, view=view).batch(vis, ir)) for e in engines)
            assert np.abs(first.astype(int) - second).max() <= 1


@pytest.mark.slow
def test_export_onnx__equal_networks_give_equal_bytes(fusion, exported, tmp_path):
    export_onnx(fusion, tmp_path / "again", weights="a" * 64)
    assert sha256_folder(tmp_path / "again") == sha256_folder(exported[0])


def test_require_agreement__refuses_files_that_do_otherwise():
    other = TorchEngine(build_fusion(NetworkParams()))
    with pytest.raises(ModelError, match=r"from PyTorch at most.*expected 1 at"):
        export._require_agreement(other, OnnxEngine(PRETRAINED / ONNX_NAME))


def test_pretrained__its_onnx_files_tell_nothing_of_who_made_them():
    for path in (PRETRAINED / ONNX_NAME).iterdir():
        model = onnx.load(path)
        assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
        assert b".py" not in path.read_bytes()
