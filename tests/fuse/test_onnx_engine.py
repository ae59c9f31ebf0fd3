import shutil

import numpy as np
import onnx
import onnxruntime
import pytest

from ssvif.errors import ModelError
from ssvif.files import sha256_file
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.onnx_engine import OnnxEngine
from ssvif.fuse.places import FUSED_NAME, MACHINE_NAME, ONNX_NAME, PRETRAINED, WEIGHTS_NAME
from ssvif.fuse.torch_engine import TorchEngine
from ssvif.models.weights import load_fusion


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(PRETRAINED / ONNX_NAME, tmp_path / "onnx")


def test_onnx_engine__the_packages_files_are_of_its_weights():
    weights = PRETRAINED / WEIGHTS_NAME
    engine = OnnxEngine(PRETRAINED / ONNX_NAME)
    assert engine.weights == sha256_file(weights)
    generator = np.random.default_rng(0)
    vis = generator.integers(0, 256, (120, 160, 3), dtype=np.uint8)
    ir = generator.integers(0, 256, (120, 160), dtype=np.uint8)
    first, second = (Fuser(e)(vis, ir) for e in (engine, TorchEngine(load_fusion(weights))))
    assert np.abs(first.astype(int) - second).max() <= 1


def test_onnx_engine__refuses_files_of_two_models(folder):
    model = onnx.load(folder / MACHINE_NAME)
    model.metadata_props[0].value = "0"
    onnx.save(model, folder / MACHINE_NAME)
    with pytest.raises(ModelError, match="not of one model"):
        OnnxEngine(folder)


@pytest.mark.parametrize("content", [None, b"", b"no model"])
def test_onnx_engine__refuses_a_missing_or_damaged_file(folder, content):
    (folder / FUSED_NAME).unlink()
    if content is not None:
        (folder / FUSED_NAME).write_bytes(content)
    with pytest.raises(ModelError, match=r"fused\.onnx: not readable by ONNX Runtime"):
        OnnxEngine(folder)


def test_onnx_engine__refuses_a_device_that_is_not_there(folder):
    with pytest.raises(ModelError, match=r"cannot run on tpu here; expected one of .*cpu"):
        OnnxEngine(folder, device="tpu")


def test_onnx_engine__takes_as_many_threads_as_pytorch_is_told(folder, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert OnnxEngine(folder).callers == 1
    assert OnnxEngine(folder, threads=1).callers == 3


class _Fallen:
    """A session that came to be on another device than it was asked for."""

    def __init__(self, *_args, **_options):
        pass

    def get_providers(self):
        return ["CPUExecutionProvider"]


def test_onnx_engine__refuses_a_device_that_does_not_load(folder, monkeypatch):
    monkeypatch.setattr(
        onnxruntime,
        "get_available_providers",
        lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"],
    )
    monkeypatch.setattr(onnxruntime, "InferenceSession", _Fallen)
    with pytest.raises(ModelError, match="CUDAExecutionProvider, and it does not load"):
        OnnxEngine(folder, device="cuda")


def test_for_many__is_made_once():
    engine = OnnxEngine(PRETRAINED / ONNX_NAME)
    many = engine.for_many()
    assert engine.for_many() is many
    assert many.for_many() is many
