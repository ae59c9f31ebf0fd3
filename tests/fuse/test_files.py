import numpy as np
import pytest
from PIL import Image

from ssvif.data.images import write_png
from ssvif.errors import CapturesError
from ssvif.fuse.files import fuse_files, pair_files


def _shape(path):
    return np.asarray(Image.open(path)).shape


def test_pair_files__two_files(rig):
    vis, ir = rig / "vis" / "0.png", rig / "ir" / "1.png"
    (pair,) = pair_files(vis, ir, rig / "out.png")
    assert (pair.vis, pair.ir, pair.out) == (vis, ir, rig / "out.png")
    (pair,) = pair_files(vis, ir, rig)
    assert pair.out == rig / "0.png"


def test_pair_files__folders_are_paired_by_name_not_position(rig, caplog):
    (rig / "ir" / "1.png").unlink()
    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    assert [pair.vis.name for pair in pairs] == ["0.png", "2.png"]
    assert all(pair.vis.name == pair.ir.name for pair in pairs)
    assert "1 images have no partner" in caplog.text


@pytest.mark.parametrize(
    ("vis", "ir", "out", "words"),
    [
        ("none", "ir", "out", "no such file"),
        ("vis/0.png", "ir", "out", "two files or two folders"),
        ("vis/0.png", "ir/0.png", "out.tga", r"ends in \.png"),
        ("vis", "empty", "out", "matched by name"),
        ("vis", "ir", "vis/0.png", "expected a folder"),
    ],
)
def test_pair_files__refuses(rig, vis, ir, out, words):
    (rig / "empty").mkdir()
    with pytest.raises(CapturesError, match=words):
        pair_files(rig / vis, rig / ir, rig / out)


def test_fuse_files__two_files_of_one_name_fail_and_the_rest_goes_on(rig, fuser):
    (rig / "vis" / "0.bmp").write_bytes((rig / "vis" / "0.png").read_bytes())
    [(path, reason)] = fuse_files(fuser, pair_files(rig / "vis", rig / "ir", rig / "out")).items()
    assert path.stem == "0"
    assert "0.bmp, 0.png, 0.png claim one name" in reason
    assert {path.name for path in (rig / "out").iterdir()} == {"1.png", "2.png"}


def test_pair_files__names_in_any_case_and_composition(rig):
    (rig / "vis" / "0.png").rename(rig / "vis" / "Cafe\u0301.PNG")
    (rig / "ir" / "0.png").rename(rig / "ir" / "CAF\u00c9.png")
    names = {(pair.vis.name, pair.ir.name) for pair in pair_files(rig / "vis", rig / "ir", rig)}
    assert ("Cafe\u0301.PNG", "CAF\u00c9.png") in names


def test_pair_files__hidden_files_are_passed_over(rig):
    for half in ("vis", "ir"):
        (rig / half / "._0.png").write_bytes(b"a file manager's notes")
    assert len(pair_files(rig / "vis", rig / "ir", rig / "out")) == 3


def test_fuse_files__any_size_each_to_its_own(rig, fuser):
    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    assert fuse_files(fuser, pairs) == {}
    assert [_shape(pair.out) for pair in pairs] == [(48, 64, 3), (37, 53, 3), (64, 64, 3)]


def test_fuse_files__a_bad_pair_is_reported_and_the_rest_goes_on(rig, fuser):
    (rig / "vis" / "0.png").write_bytes(b"not a picture")
    write_png(rig / "ir" / "1.png", np.zeros((9, 9), np.uint8))
    failed = fuse_files(fuser, pair_files(rig / "vis", rig / "ir", rig / "out"))
    assert {path.name for path in failed} == {"0.png", "1.png"}
    assert "register the pair" in failed[rig / "vis" / "1.png"]
    assert [path.name for path in (rig / "out").iterdir()] == ["2.png"]


def test_fuse_files__never_overwrites_a_source(rig, fuser):
    before = (rig / "vis" / "0.png").read_bytes()
    pairs = pair_files(rig / "vis" / "0.png", rig / "ir" / "0.png", rig / "vis")
    assert "overwrite" in fuse_files(fuser, pairs)[rig / "vis" / "0.png"]
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
    assert not fuse_files(fuser, pair_files(rig / "vis", rig / "ir", rig / "out"))
    cold, warm = (np.asarray(Image.open(rig / "out" / f"{n}.png")).mean() for n in ("cold", "warm"))
    assert cold < 60
    assert warm > 180


def test_fuse_files__a_given_range_is_taken(rig, fuser):
    _deep(rig, "0", 27000, 28000)
    pairs = pair_files(rig / "vis" / "0.png", rig / "ir" / "0.png", rig / "out.png")
    assert not fuse_files(fuser, pairs, ir_range=(28000.0, 40000.0))
    assert np.asarray(Image.open(rig / "out.png")).max() <= 2


def test_fuse_files__a_lone_deep_image_needs_a_range(rig, fuser):
    _deep(rig, "0", 27000, 28000)
    single = pair_files(rig / "vis" / "0.png", rig / "ir" / "0.png", rig / "out.png")
    folders = pair_files(rig / "vis", rig / "ir", rig / "out")
    for pairs in (single, folders):
        [(path, reason)] = fuse_files(fuser, pairs).items()
        assert path.name == "0.png"
        assert "--ir-range BLACK WHITE" in reason
        assert "set.yaml" in reason
    assert not (rig / "out.png").exists()


def test_fuse_files__deep_images_without_a_number(rig, fuser):
    for name in ("0", "1"):
        (rig / "ir" / f"{name}.png").unlink()
        empty = Image.fromarray(np.full((48, 64), np.nan, np.float32))
        empty.save(rig / "ir" / f"{name}.tiff")
    failed = fuse_files(fuser, pair_files(rig / "vis", rig / "ir", rig / "out"))
    assert {path.name for path in failed} == {"0.png", "1.png"}
