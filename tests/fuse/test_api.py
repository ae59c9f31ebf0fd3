import doctest
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

import ssvif
from ssvif.errors import ImageError, ModelError, ShapeError
from ssvif.fuse import api
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.places import PRETRAINED


def _pair(*batch):
    generator = np.random.default_rng(0)
    vis = generator.integers(0, 256, (*batch, 40, 56, 3), dtype=np.uint8)
    return vis, generator.integers(0, 256, (*batch, 40, 56), dtype=np.uint8)


@pytest.fixture(autouse=True)
def _no_champion(tmp_path, monkeypatch):
    """A folder without a champion, which `make repro` leaves in the repository's."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def fuser():
    return Fuser.load(PRETRAINED)


def test_fuse__is_the_package_itself_in_a_fresh_process():
    code = (
        "import ssvif, sys\n"
        "assert not {'numpy', 'onnxruntime', 'ssvif.fuse'} & set(sys.modules)\n"
        "import numpy as np\n"
        "vis, ir = np.zeros((8, 9, 3), np.uint8), np.zeros((8, 9), np.uint8)\n"
        "assert ssvif.fuse(vis, ir).shape == vis.shape\n"
        "import ssvif.fuse.files\n"
        "assert ssvif.fuse(ir, ir).shape == ir.shape\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_fuse__the_examples_of_its_page():
    found = doctest.testmod(api)
    assert found.attempted > 5
    assert found.failed == 0


def test_fuse__arrays(fuser):
    vis, ir = _pair()
    assert np.array_equal(ssvif.fuse(vis, ir), fuser(vis, ir))
    assert ssvif.fuse(vis[..., 0], ir).shape == ir.shape
    assert ssvif.fuse(vis[..., 0], ir, view="machine").shape == vis.shape


def test_fuse__batches(fuser):
    vis, ir = _pair(3)
    assert np.array_equal(ssvif.fuse(vis, ir), np.stack(fuser.batch(vis, ir)))
    assert ssvif.fuse(vis[..., 0], ir).shape == ir.shape


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_fuse__pil_images(fuser, mode):
    vis, ir = _pair()
    image = Image.fromarray(vis).convert(mode)
    fused = ssvif.fuse(image, Image.fromarray(ir))
    assert fused.mode == ("L" if mode == "L" else "RGB")
    source = np.asarray(image.convert(fused.mode))
    assert np.array_equal(np.asarray(fused), fuser(source, ir))


@pytest.mark.parametrize("mode", ["RGB", "LA"])
def test_fuse__pil_infrared_that_is_grey(fuser, mode):
    vis, ir = _pair()
    fused = ssvif.fuse(Image.fromarray(vis), Image.fromarray(ir).convert(mode))
    assert np.array_equal(np.asarray(fused), fuser(vis, ir))


def _deep(image):
    return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) + 27_000)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda vis, ir: (vis, _deep(ir)), "infrared: more than 8 bits .*raw values"),
        (lambda vis, ir: (vis, ir.convert("F")), "infrared: more than 8 bits"),
        (lambda vis, ir: (_deep(vis), ir), "visible: more than 8 bits"),
        (lambda vis, _: (vis, vis), "infrared image is in colour"),
    ],
)
def test_fuse__refuses_pil_images_that_would_lose_what_they_show(change, words):
    pair = change(*map(Image.fromarray, _pair()))
    with pytest.raises(ImageError, match=words):
        ssvif.fuse(*pair)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float64])
@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("channels", [1, 3])
def test_fuse__tensors(fuser, dtype, batch, channels):
    vis, ir = _pair(*batch)
    vis_there = torch.from_numpy(vis).movedim(-1, -3)[..., :channels, :, :]
    ir_there = torch.from_numpy(ir).unsqueeze(-3)
    scale = 1 if dtype == torch.uint8 else 255
    fused = ssvif.fuse((vis_there / scale).to(dtype), (ir_there / scale).to(dtype))
    assert (fused.dtype, fused.shape) == (dtype, vis_there.shape)
    expected = api._fuse_arrays(fuser, vis if channels == 3 else vis[..., 0], ir)
    back = (fused * scale).round().to(torch.uint8).movedim(-3, -1).numpy()
    assert np.array_equal(back.reshape(expected.shape), expected)


def test_fuse__reads_a_model_once(tmp_path):
    vis, ir = _pair()
    with pytest.raises(ModelError, match="no such file"):
        ssvif.fuse(vis, ir, model=tmp_path / "none.safetensors")
    api._fuser.cache_clear()
    ssvif.fuse(vis, ir, model=str(PRETRAINED))
    ssvif.fuse(vis, ir, model=PRETRAINED)
    assert api._fuser.cache_info().misses == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda vis, ir: (vis, Image.fromarray(ir)), "found ndarray and Image"),
        (lambda vis, ir: (vis.tolist(), ir.tolist()), "found list and list"),
        (lambda vis, ir: (vis / 255.0, ir / 255.0), "both uint8"),
        (lambda vis, ir: (vis, ir[1:]), "register the pair"),
        (lambda *_: (torch.zeros(3, 8, 8), torch.zeros(8, 8)), "expected tensors"),
        (lambda *_: (torch.zeros(3, 8, 8), torch.zeros(3, 8, 8)), "with one channel"),
        (lambda *_: (torch.full((3, 8, 8), 255.0), torch.zeros(1, 8, 8)), "found 255 to 255"),
        (lambda *_: (torch.zeros(3, 8, 8), torch.full((1, 8, 8), -1.0)), "found -1 to -1"),
        (lambda *_: (torch.full((3, 8, 8), torch.nan), torch.zeros(1, 8, 8)), "found nan"),
        (lambda *_: _pair(0), "empty batch"),
        (lambda *_: (torch.zeros(0, 3, 8, 8), torch.zeros(0, 1, 8, 8)), "empty batch"),
    ],
)
def test_fuse__refuses(change, words):
    with pytest.raises(ShapeError, match=words):
        ssvif.fuse(*change(*_pair()))


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"view": "machin"}, "view: expected fused or machine, found 'machin'"),
        ({"engine": "onxx"}, "engine: expected onnx or torch"),
        ({"precision": "fp16"}, "precision: expected float32 or bfloat16 or float16"),
    ],
)
def test_fuse__refuses_a_choice_that_is_none(choice, words):
    with pytest.raises(ModelError, match=words):
        ssvif.fuse(*_pair(), **choice)


def test_getattr__nothing_else_is_found():
    with pytest.raises(AttributeError, match="no attribute 'fused'"):
        ssvif.fused  # noqa: B018
