from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssvif.data.images import write_png
from ssvif.errors import CapturesError, ImageError
from ssvif.files import sha256_file
from ssvif.fuse import files
from ssvif.fuse.alignment import Alignment
from ssvif.fuse.files import Fused, Manner, fuse_files, fuse_folder, in_order
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.marks import Marks, read_marks
from ssvif.fuse.pairing import FusePair, pair_files
from ssvif.fuse.torch_engine import TorchEngine
from ssvif.models.fusion import DEAD
from ssvif.models.network import build_fusion


def _shape(path):
    return np.asarray(Image.open(path)).shape


def test_fuse_files__two_files_of_one_name_fail_and_the_rest_goes_on(rig, fuser):
    (rig / "vis" / "0.bmp").write_bytes((rig / "vis" / "0.png").read_bytes())
    done = fuse_files(fuser, pair_files(rig / "vis", rig / "ir", rig / "out"))
    [(path, reason)] = done.failed.items()
    assert path.stem == "0"
    assert "0.bmp, 0.png, 0.png claim one name" in reason
    assert {path.name for path in (rig / "out").iterdir()} == {"1.png", "2.png"}


def test_fuse_files__any_size_each_to_its_own(rig, fuser):
    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    assert fuse_files(fuser, pairs) == Fused(fused=3, skipped=0, failed={})
    assert [_shape(pair.out) for pair in pairs] == [(48, 64, 3), (37, 53, 3), (64, 64, 3)]


def test_fuse_files__a_bad_pair_is_reported_and_the_rest_goes_on(rig, fuser):
    (rig / "vis" / "0.png").write_bytes(b"not a picture")
    write_png(rig / "ir" / "1.png", np.zeros((9, 9), np.uint8))
    failed = fuse_files(fuser, pair_files(rig / "vis", rig / "ir", rig / "out")).failed
    assert {path.name for path in failed} == {"0.png", "1.png"}
    assert "register the pair" in failed[rig / "vis" / "1.png"]
    assert [path.name for path in (rig / "out").iterdir()] == ["2.png"]


def test_fuse_files__two_failures_of_one_visible_image_are_two(rig, fuser):
    vis = rig / "vis" / "0.png"
    vis.write_bytes(b"not a picture")
    pairs = [FusePair(vis, rig / "ir" / "0.png", rig / "out" / f"{name}.png") for name in "ab"]
    done = fuse_files(fuser, pairs)
    assert list(done.failed) == [vis, rig / "out" / "b.png"]
    assert done.sentence == "fused 0 of 2 pairs, 2 failed"


def test_manner__an_empty_range():
    with pytest.raises(ImageError, match="give black < white"):
        Manner(ir_range=(2.0, 2.0))


def test_fuse_files__never_overwrites_a_source(rig, fuser):
    before = (rig / "vis" / "0.png").read_bytes()
    pairs = pair_files(rig / "vis" / "0.png", rig / "ir" / "0.png", rig / "vis")
    assert "overwrite" in fuse_files(fuser, pairs).failed[rig / "vis" / "0.png"]
    assert (rig / "vis" / "0.png").read_bytes() == before


def _deep(rig, name, low, high):
    values = np.linspace(low, high, 48 * 64).reshape(48, 64).astype(np.uint16)
    Image.fromarray(values).save(rig / "ir" / f"{name}.png")
    write_png(rig / "vis" / f"{name}.png", np.zeros((48, 64, 3), np.uint8))


def test_fuse_files__deep_infrared_shares_one_range(rig, fuser):
    for folder in ("vis", "ir"):
        for path in (rig / folder).iterdir():
            path.unlink()
    _deep(rig, "cold", 27000, 28000)
    _deep(rig, "warm", 29000, 30000)
    assert not fuse_files(fuser, pair_files(rig / "vis", rig / "ir", rig / "out")).failed
    cold, warm = (np.asarray(Image.open(rig / "out" / f"{n}.png")).mean() for n in ("cold", "warm"))
    assert cold < 60
    assert warm > 180


def test_fuse_files__a_given_range_is_taken(rig, fuser):
    _deep(rig, "0", 27000, 28000)
    pairs = pair_files(rig / "vis" / "0.png", rig / "ir" / "0.png", rig / "out.png")
    assert not fuse_files(fuser, pairs, manner=Manner((28000.0, 40000.0))).failed
    assert np.asarray(Image.open(rig / "out.png")).max() <= 2


def test_fuse_files__a_lone_deep_image_needs_a_range(rig, fuser):
    _deep(rig, "0", 27000, 28000)
    single = pair_files(rig / "vis" / "0.png", rig / "ir" / "0.png", rig / "out.png")
    folders = pair_files(rig / "vis", rig / "ir", rig / "out")
    for pairs in (single, folders):
        [(path, reason)] = fuse_files(fuser, pairs).failed.items()
        assert path.name == "0.png"
        assert "--ir-range BLACK WHITE" in reason
        assert "set.yaml" in reason
    assert not (rig / "out.png").exists()


def test_fuse_files__deep_images_without_a_number(rig, fuser):
    for name in ("0", "1"):
        (rig / "ir" / f"{name}.png").unlink()
        empty = Image.fromarray(np.full((48, 64), np.nan, np.float32))
        empty.save(rig / "ir" / f"{name}.tiff")
    failed = fuse_files(fuser, pair_files(rig / "vis", rig / "ir", rig / "out")).failed
    assert {path.name for path in failed} == {"0.png", "1.png"}


@pytest.fixture
def marking(fuser):
    """A fuser that knows its weights file."""
    fuser.weights = "a" * 64
    return fuser


def _bytes(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_fuse_files__says_where_an_image_comes_from(rig, marking):
    (pair,) = pair_files(rig / "vis" / "0.png", rig / "ir" / "0.png", rig / "out.png")
    fuse_files(marking, [pair])
    assert read_marks(pair.out) == Marks("a" * 64, sha256_file(pair.vis), sha256_file(pair.ir))


def test_fuse_files__a_second_call_does_what_is_left(rig, marking):
    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    assert fuse_files(marking, pairs[:1]).sentence == "fused 1 of 1 pairs"
    before = pairs[0].out.stat().st_mtime_ns
    (rig / "vis" / "2.png").write_bytes(b"not a picture")
    done = fuse_files(marking, pairs)
    assert done.sentence == "fused 1 of 3 pairs, 1 were done already, 1 failed"
    assert pairs[0].out.stat().st_mtime_ns == before


def test_fuse_files__equal_calls_give_equal_bytes(rig, marking):
    for name in ("out", "again"):
        fuse_files(marking, pair_files(rig / "vis", rig / "ir", rig / name))
    assert _bytes(rig / "out") == _bytes(rig / "again")


def test_fuse_files__another_source_or_model_is_fused_anew(rig, marking):
    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    fuse_files(marking, pairs)
    write_png(rig / "ir" / "0.png", np.zeros((48, 64), np.uint8))
    assert (fuse_files(marking, pairs).fused, fuse_files(marking, pairs).skipped) == (1, 3)
    marking.weights = "b" * 64
    assert fuse_files(marking, pairs).fused == 3


def test_fuse_files__another_infrared_range_is_fused_anew(rig, marking):
    _deep(rig, "0", 27000, 28000)
    pairs = pair_files(rig / "vis" / "0.png", rig / "ir" / "0.png", rig / "out.png")
    for ir_range, fused in (((28000.0, 40000.0), 1), ((27000.0, 40000.0), 1), (None, 0)):
        done = fuse_files(marking, pairs, manner=Manner(ir_range))
        assert done.fused == fused


def test_fuse_files__a_kill_leaves_no_half_file(rig, marking, monkeypatch):
    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    write = Path.write_bytes

    def killed(path, content):
        write(path, content[:100])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", killed)
        with pytest.raises(KeyboardInterrupt):
            fuse_files(marking, pairs)
    assert list((rig / "out").iterdir()) == []
    assert fuse_files(marking, pairs).fused == 3


def test_fuse_files__warns_of_a_camera_that_shows_nothing(rig, fuser, caplog):
    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    shape = np.asarray(Image.open(pairs[1].vis)).shape[:2]
    write_png(rig / "ir" / "1.png", np.full(shape, 9, np.uint8))
    assert fuse_files(fuser, pairs).fused == 3
    assert caplog.text.count("shows nothing") == 1
    assert f"{rig / 'ir' / '1.png'}: shows nothing" in caplog.text


def test_fuse_folder__both_halves_in_one_file(tmp_path, marking):
    (tmp_path / "set" / "images").mkdir(parents=True)
    pixels = np.full((40, 40, 4), 90, np.uint8)
    Image.fromarray(pixels, "RGBA").save(tmp_path / "set" / "images" / "00001D.png")
    done = fuse_folder(marking, tmp_path / "set", tmp_path / "out")
    assert (done.fused, done.failed) == (1, {})
    assert fuse_folder(marking, tmp_path / "set", tmp_path / "out").skipped == 1


def test_fuse_folder__takes_the_range_of_the_set(rig, marking):
    for folder in ("vis", "ir"):
        for path in (rig / folder).iterdir():
            path.unlink()
    _deep(rig, "0", 27000, 28000)
    (rig / "set.yaml").write_text("infrared_range: [28000, 40000]\n")
    assert fuse_folder(marking, rig, rig / "out").fused == 1
    assert np.asarray(Image.open(rig / "out" / "0.png")).max() <= 2


@pytest.mark.parametrize(
    ("folder", "out", "words"),
    [
        ("none", "out", "no such folder"),
        (".", "vis/0.png", "a file"),
        (".", "vis/..", "holds the sources"),
    ],
)
def test_fuse_folder__refuses(rig, marking, folder, out, words):
    with pytest.raises(CapturesError, match=words):
        fuse_folder(marking, rig / folder, rig / out)


def test_fuse_files__another_view_is_fused_anew(rig, marking, tiny_network):
    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    fuse_files(marking, pairs)
    machine = Fuser(
        TorchEngine(build_fusion(tiny_network)), view="machine", weights=marking.weights
    )
    assert fuse_files(machine, pairs).fused == fuse_files(machine, pairs).skipped == len(pairs)
    marks = read_marks(pairs[0].out)
    assert marks is not None
    assert marks.view == "machine"


def test_fuse_files__another_colour_is_fused_anew(rig, marking):
    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    fuse_files(marking, pairs)
    for colour, shape in (("grey", (48, 64)), ("heat", (48, 64, 3))):
        assert fuse_files(marking, pairs, manner=Manner(colour=colour)).fused == 3
        assert fuse_files(marking, pairs, manner=Manner(colour=colour)).skipped == 3
        assert _shape(pairs[0].out) == shape


def test_fuse_files__infrared_of_another_size_is_brought_onto_the_visible_one(rig, marking):
    write_png(rig / "ir/0.png", np.full((24, 32), 200, np.uint8))
    (pair,) = pair_files(rig / "vis/0.png", rig / "ir/0.png", rig / "out.png")
    assert "register" in fuse_files(marking, [pair]).failed[pair.vis]
    alignment = Alignment(ir_to_vis=((2, 0, 0.5), (0, 2, 0.5), (0, 0, 1)))
    assert fuse_files(marking, [pair], manner=Manner(alignment=alignment)).fused == 1
    assert _shape(pair.out) == (48, 64, 3)
    marks = read_marks(pair.out)
    assert marks is not None
    assert marks.aligned == "2 0 0.5 0 2 0.5 0 0 1"


def test_fuse_files__tells_how_far_it_is(rig, fuser):
    told = []
    (rig / "ir/1.png").write_bytes(b"")
    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    fuse_files(fuser, pairs, tell=lambda *far: told.append(far))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_in_order__works_a_few_ahead_and_keeps_the_order():
    begun = []

    def work(item):
        begun.append(item)
        return -item

    with ThreadPoolExecutor(3) as pool:
        results = in_order(pool, work, range(1000))
        assert next(results) == 0
        assert max(begun) < 20
        assert list(results) == [-item for item in range(1, 1000)]


def test_dead__is_what_the_network_takes_for_a_dead_camera():
    assert pytest.approx(files._DEAD) == DEAD * 255.0
