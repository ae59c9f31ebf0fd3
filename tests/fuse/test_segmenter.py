import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from ssvif.errors import CapturesError, ModelError
from ssvif.fuse import segmenter as segmenter_module
from ssvif.fuse.files import fuse_files
from ssvif.fuse.marks import Marks, read_marks
from ssvif.fuse.pair import Manner
from ssvif.fuse.pairing import pair_files
from ssvif.fuse.places import PRETRAINED
from ssvif.fuse.segmenter import Segmenter
from ssvif.fuse.segments import segments_place, write_segments
from ssvif.models.weights import save_model

MARKS = Marks("a" * 64, "b" * 64, "c" * 64)


@pytest.fixture
def segmenter(tmp_path, tiny_model, tiny_network):
    path = tmp_path / "model/weights.safetensors"
    save_model(path, tiny_model, network=tiny_network)
    return Segmenter.load(path.parent)


@pytest.mark.parametrize("shape", [(64, 96, 3), (37, 53, 3), (37, 53), (4, 4)])
def test_segmenter__a_number_a_pixel(segmenter, shape):
    fused = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    classes = segmenter(fused)
    assert classes.shape == shape[:2]
    assert classes.dtype == np.uint8
    assert classes.max() < segmenter.prototypes


@pytest.mark.parametrize("rows", [1, 32, 33, 77])
def test_classes__in_parts_as_at_once(rows):
    scores = torch.randn(2, 5, rows, 9, generator=torch.Generator().manual_seed(0))
    whole = F.interpolate(scores, scale_factor=4.0, mode="bilinear").argmax(1)
    assert torch.equal(segmenter_module._classes(scores), whole.to(torch.uint8))


def test_load__the_fusion_network_alone_cannot_segment():
    with pytest.raises(ModelError, match="needs the segmentation branches"):
        Segmenter.load(PRETRAINED)


def test_write_segments__the_numbers_are_the_pixels(tmp_path):
    classes = np.arange(12, dtype=np.uint8).reshape(3, 4)
    place = segments_place(tmp_path / "a.png")
    write_segments(place, classes, prototypes=12, marks=MARKS)
    image = Image.open(place)
    assert (place.name, image.mode) == ("a.segments.png", "P")
    assert np.array_equal(np.asarray(image), classes)
    assert len(np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)) == 12
    assert read_marks(place) == MARKS


def test_fuse_files__a_missing_segmentation_is_made_later(rig, fuser, segmenter):
    fuser.weights = "a" * 64
    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    fuse_files(fuser, pairs)
    for fused in (3, 0):
        assert fuse_files(fuser, pairs, manner=Manner(segmenter=segmenter)).fused == fused
    assert Image.open(segments_place(pairs[1].out)).size == Image.open(pairs[1].out).size


def test_fuse_files__a_segmentation_of_another_model_does_not_stay(rig, fuser, segmenter):
    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    fuser.weights = "a" * 64
    fuse_files(fuser, pairs, manner=Manner(segmenter=segmenter))
    assert fuse_files(fuser, pairs).fused == 0
    assert segments_place(pairs[1].out).is_file()
    fuser.weights = "b" * 64
    assert fuse_files(fuser, pairs).fused == 3
    assert not segments_place(pairs[1].out).exists()


def test_fuse_files__an_image_that_is_called_as_a_segmentation_is_none(rig, fuser, segmenter):
    for half in ("vis", "ir"):
        (rig / half / "1.png").rename(rig / half / "0.segments.png")
    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    with pytest.raises(CapturesError, match=r"0\.segments\.png: would be a fused image and the"):
        fuse_files(fuser, pairs, manner=Manner(segmenter=segmenter))
    assert not list((rig / "out").glob("*.png"))
    fuser.weights = "a" * 64
    fuse_files(fuser, pairs)
    fuser.weights = "b" * 64
    fuse_files(fuser, pairs)
    assert len(list((rig / "out").iterdir())) == 3
