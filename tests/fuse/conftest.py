import numpy as np
import pytest
import torch

from ssvif.data.images import write_png
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.torch_engine import TorchEngine
from ssvif.models.network import build_fusion


@pytest.fixture
def fuser(tiny_network):
    torch.manual_seed(0)
    return Fuser(TorchEngine(build_fusion(tiny_network)))


@pytest.fixture
def rig(tmp_path):
    """Two folders of three pairs of different sizes."""
    generator = np.random.default_rng(0)
    for index, (height, width) in enumerate([(48, 64), (37, 53), (64, 64)]):
        vis = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
        ir = generator.integers(0, 256, (height, width), dtype=np.uint8)
        write_png(tmp_path / "vis" / f"{index}.png", vis)
        write_png(tmp_path / "ir" / f"{index}.png", ir)
    return tmp_path
