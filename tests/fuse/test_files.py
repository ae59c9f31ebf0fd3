from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssvif.data.images import write_png
from ssvif.errors import CapturesError, StorageError
from ssvif.files import sha256_file
from ssvif.fuse.alignment import Alignment
from ssvif.fuse.files import Fused, delivery_pairs, fuse_files
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.marks import Marks, read_marks
from ssvif.fuse.pair import Manner
from ssvif.fuse.pairing import FusePair, pair_files, pair_list
from ssvif.fuse.torch_engine import TorchEngine
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


def test_fuse_files__cameras_that_are_exchanged(rig, fuser):
    pairs = pair_files(rig / "ir", rig / "vis", rig / "out")
    done = fuse_files(fuser, pairs)
    assert all(reason.endswith("or exchange the two") for reason in done.failed.values())
    assert len(done.failed) == 3


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
    # A covered lens of a sensor with a cast: its channels differ, its pixels do not.
    cast = np.tile(np.array([16, 16, 20], np.uint8), (48, 64, 1))
    write_png(rig / "vis" / "0.png", cast)
    assert fuse_files(fuser, pairs).fused == 3
    assert caplog.text.count("shows nothing") == 2
    assert f"{rig / 'vis' / '0.png'}: shows nothing" in caplog.text
    assert f"{rig / 'ir' / '1.png'}: shows nothing" in caplog.text


def _fuse_delivery(fuser, folder, out, **options):
    pairs, manner = delivery_pairs(folder, out, **options)
    return fuse_files(fuser, pairs, manner=manner)


def _four_channels(tmp_path):
    (tmp_path / "set" / "images").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 4), dtype=np.uint8)
    Image.fromarray(pixels, "RGBA").save(tmp_path / "set" / "images" / "00001D.png")
    return tmp_path / "set"


def test_delivery_pairs__both_halves_in_one_file(tmp_path, marking):
    folder = _four_channels(tmp_path)
    done = _fuse_delivery(marking, folder, tmp_path / "out")
    assert (done.fused, done.failed) == (1, {})
    assert _fuse_delivery(marking, folder, tmp_path / "out").skipped == 1


def test_delivery_pairs__both_halves_in_one_file_are_aligned_as_the_marks_say(tmp_path, marking):
    folder = _four_channels(tmp_path)
    manner = Manner(alignment=Alignment(ir_to_vis=((1, 0, 9), (0, 1, 0), (0, 0, 1))))
    _fuse_delivery(marking, folder, tmp_path / "as_it_is")
    _fuse_delivery(marking, folder, tmp_path / "moved", manner=manner)
    as_it_is, moved = (
        np.asarray(Image.open(tmp_path / name / "00001D.png")) for name in ("as_it_is", "moved")
    )
    assert (as_it_is != moved).any()
    marks = read_marks(tmp_path / "moved" / "00001D.png")
    assert marks is not None
    assert marks.aligned


def test_delivery_pairs__takes_the_range_of_the_set(rig, marking):
    for folder in ("vis", "ir"):
        for path in (rig / folder).iterdir():
            path.unlink()
    _deep(rig, "0", 27000, 28000)
    (rig / "set.yaml").write_text("infrared_range: [28000, 40000]\n")
    assert _fuse_delivery(marking, rig, rig / "out").fused == 1
    assert np.asarray(Image.open(rig / "out" / "0.png")).max() <= 2


@pytest.mark.parametrize(
    ("folder", "out", "words"),
    [
        ("none", "out", "no such folder"),
        (".", "vis/0.png", "a file"),
        (".", "vis/..", "holds the sources"),
        (".", "vis", "holds the sources"),
    ],
)
def test_delivery_pairs__refuses(rig, folder, out, words):
    with pytest.raises(CapturesError, match=words):
        delivery_pairs(rig / folder, rig / out)


def test_delivery_pairs__refuses_a_folder_above_sources(rig):
    for name in ("vis", "ir"):
        (rig / "delivery/camera").mkdir(parents=True, exist_ok=True)
        (rig / name).rename(rig / "delivery/camera" / name)
    with pytest.raises(CapturesError, match="holds the sources"):
        delivery_pairs(rig / "delivery", rig / "delivery/camera")


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


def test_fuse_files__a_folder_that_takes_no_file_is_refused_at_once(rig, fuser, monkeypatch):
    (rig / "file").touch()
    monkeypatch.setattr("ssvif.fuse.pair.read_pair", lambda *_: pytest.fail("work was begun"))
    with pytest.raises(StorageError, match="file/out: cannot be written"):
        fuse_files(fuser, pair_files(rig / "vis", rig / "ir", rig / "file/out"))


def test_fuse_files__a_full_disk_ends_the_call(rig, fuser, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    lines = [f"{rig}/vis/{n % 3}.png\t{rig}/ir/{n % 3}.png\t{n}" for n in range(60)]
    written = []

    def full(path, *_, **__):
        written.append(path)
        raise StorageError(f"{path}: the disk is full; free some space")

    monkeypatch.setattr("ssvif.fuse.pair.write_png", full)
    with pytest.raises(StorageError, match="disk is full"):
        fuse_files(fuser, pair_list(lines, rig / "out"))
    assert len(written) < 20


class _Outsized:
    """A network that cannot get the memory for large pairs."""

    callers, weights, view, precision = 1, None, "fused", "float32"

    def __init__(self, error):
        self._error = error

    def for_many(self):
        return self

    def __call__(self, vis, ir):
        if ir.shape == (64, 64):
            raise self._error
        return vis


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 16 bytes"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        Exception("BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer"),
    ],
)
def test_fuse_files__a_pair_too_large_for_memory_fails_alone(rig, error):
    done = fuse_files(_Outsized(error), pair_files(rig / "vis", rig / "ir", rig / "out"))
    assert done.fused == 2
    [(path, reason)] = done.failed.items()
    assert path == rig / "vis" / "2.png"
    assert "cut or shrink the pair" in reason


def test_fuse_files__another_fault_is_not_taken_for_one_pairs(rig):
    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    with pytest.raises(RuntimeError, match="a bug"):
        fuse_files(_Outsized(RuntimeError("a bug")), pairs)
