import pytest
import torch

from ssvif.models.network import build_model
from ssvif.params import NetworkParams

# A backbone that is built and run in milliseconds.
TINY = NetworkParams(
    channels=4,
    blocks=1,
    backbone="mobilenetv3_small_050",
    pretrained=False,
    embedding=8,
    prototypes=4,
)


@pytest.fixture(scope="session")
def tiny_network():
    return TINY


@pytest.fixture
def tiny_model(tiny_network):
    torch.manual_seed(0)
    return build_model(tiny_network)
