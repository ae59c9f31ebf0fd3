import pytest
import torch

from ssvif.errors import ModelError
from ssvif.fuse.torch_engine import TorchEngine
from ssvif.models.network import build_fusion


@pytest.mark.parametrize("part", ["head.bias", "recipe.mixing", "stem.square.weight"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_torch_engine__refuses_weights_that_are_not_numbers(tiny_network, part, value):
    fusion = build_fusion(tiny_network)
    torch.nn.init.constant_(fusion.get_parameter(part), value)
    with pytest.raises(ModelError, match=f"{part}.*not numbers; train it again"):
        TorchEngine(fusion)


def test_torch_engine__leaves_the_network_as_it_was(tiny_network):
    fusion = build_fusion(tiny_network)
    TorchEngine(fusion, precision="bfloat16")
    assert all(p.dtype == torch.float32 and p.requires_grad for p in fusion.parameters())


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_torch_engine__refuses_a_device_that_is_not_there(tiny_network, device):
    with pytest.raises(ModelError, match=f"cannot run on {device} here.*expected cpu"):
        TorchEngine(build_fusion(tiny_network), device=device)
