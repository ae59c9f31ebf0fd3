import json

import pytest
import torch
from safetensors.torch import save_file

from ssvif.errors import ModelError
from ssvif.models.weights import (
    has_branches,
    load_fusion,
    load_model,
    read_network,
    save_fusion,
    save_model,
)


@pytest.fixture
def saved(tmp_path, tiny_model, tiny_network):
    path = tmp_path / "models" / "model.safetensors"
    save_model(path, tiny_model, network=tiny_network)
    return path


def test_save_model__equal_models_give_equal_bytes(saved, tmp_path, tiny_model, tiny_network):
    again = tmp_path / "again.safetensors"
    save_model(again, tiny_model, network=tiny_network)
    assert again.read_bytes() == saved.read_bytes()


def test_load_model__gives_back_every_tensor(saved, tiny_model, tiny_network):
    loaded = load_model(saved)
    assert not loaded.training
    assert read_network(saved) == tiny_network
    for (name, tensor), other in zip(
        tiny_model.state_dict().items(), loaded.state_dict().values(), strict=True
    ):
        assert torch.equal(tensor, other), name


def test_load_fusion__fuses_as_the_whole_model_does(saved, tiny_model):
    planes = torch.rand(2, 1, 1, 16, 16)
    assert torch.equal(load_fusion(saved)(*planes).fused_y, tiny_model.fusion(*planes).fused_y)


def test_save_fusion__holds_what_fusing_needs_alone(saved, tmp_path, tiny_model, tiny_network):
    path = tmp_path / "fusion.safetensors"
    save_fusion(path, tiny_model.fusion, network=tiny_network)
    assert (has_branches(saved), has_branches(path)) == (True, False)
    planes = torch.rand(2, 1, 1, 16, 16)
    assert torch.equal(load_fusion(path)(*planes).fused_y, tiny_model.fusion(*planes).fused_y)
    with pytest.raises(ModelError, match="fusion network alone"):
        load_model(path)


def test_load_fusion__missing_file_says_what_to_do(tmp_path):
    with pytest.raises(ModelError, match="make repro"):
        load_fusion(tmp_path / "none.safetensors")


def test_load_fusion__truncated_file(saved):
    saved.write_bytes(saved.read_bytes()[:100])
    with pytest.raises(ModelError, match="not a readable safetensors file"):
        load_fusion(saved)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({}, "expected weights of format"),
        ({"format": "ssvif-0"}, "found ssvif-0"),
        ({"format": "ssvif-3"}, "network parameters"),
        ({"format": "ssvif-3", "network": {"width": 3}}, "network parameters"),
        ({"format": "ssvif-3", "network": {}}, "do not fit"),
        ([], "network parameters"),
    ],
)
def test_load_fusion__foreign_file(tmp_path, metadata, words):
    path = tmp_path / "foreign.safetensors"
    save_file({"fusion.a": torch.zeros(1)}, path, metadata={"ssvif": json.dumps(metadata)})
    with pytest.raises(ModelError, match=words):
        load_fusion(path)
