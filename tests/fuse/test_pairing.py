from pathlib import Path

import pytest

from ssvif.errors import CapturesError
from ssvif.fuse.pairing import pair_captures, pair_files, pair_list


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
        ("vis", "ir", "one.png", "expected a folder"),
        ("vis", "ir", "vis", "holds the sources"),
        ("vis", "ir", "out/../ir", "holds the sources"),
    ],
)
def test_pair_files__refuses(rig, vis, ir, out, words):
    (rig / "empty").mkdir()
    with pytest.raises(CapturesError, match=words):
        pair_files(rig / vis, rig / ir, rig / out)


def test_pair_files__names_in_any_case_and_composition(rig):
    (rig / "vis" / "0.png").rename(rig / "vis" / "Cafe\u0301.PNG")
    (rig / "ir" / "0.png").rename(rig / "ir" / "CAF\u00c9.png")
    names = {(pair.vis.name, pair.ir.name) for pair in pair_files(rig / "vis", rig / "ir", rig)}
    assert ("Cafe\u0301.PNG", "CAF\u00c9.png") in names


def test_pair_files__hidden_files_are_passed_over(rig):
    for half in ("vis", "ir"):
        (rig / half / "._0.png").write_bytes(b"a file manager's notes")
    assert len(pair_files(rig / "vis", rig / "ir", rig / "out")) == 3


def test_pair_captures__any_layout(rig, caplog):
    delivery = rig / "delivery"
    (delivery / "train").mkdir(parents=True)
    for half, word in (("vis", "visible"), ("ir", "infrared")):
        (rig / half).rename(delivery / "train" / word)
    (delivery / "train" / "infrared" / "1.png").unlink()
    pairs = pair_captures(delivery, rig / "out")
    assert [pair.out.relative_to(rig) for pair in pairs] == [
        Path("out/train/0.png"),
        Path("out/train/2.png"),
    ]
    assert "1 captures lack a half" in caplog.text


def _touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_pair_files__patterns_are_paired_by_what_the_wildcards_stand_for(tmp_path, caplog):
    _touch(tmp_path, "day/left_01.png", "day/right_01.png", "night/left_01.png", "night/x.png")
    _touch(tmp_path, "night/right_01.png", "night/right_02.png")
    left, right = tmp_path / "*/left_*.png", tmp_path / "*/right_*.png"
    pairs = pair_files(left, right, tmp_path / "out")
    assert [pair.out.relative_to(tmp_path).as_posix() for pair in pairs] == [
        "out/day/01.png",
        "out/night/01.png",
    ]
    assert all(pair.vis.name == "left_01.png" for pair in pairs)
    assert all(pair.ir.parent == pair.vis.parent for pair in pairs)
    assert "1 images have no partner" in caplog.text


def test_pair_files__two_stars_stand_for_any_depth(tmp_path):
    _touch(tmp_path, "vi/a/b/1.png", "vi/2.png", "ir/a/b/1.jpg", "ir/2.jpg")
    pairs = pair_files(tmp_path / "vi/**/*.png", tmp_path / "ir/**/*.jpg", tmp_path / "out")
    found = {pair.out.relative_to(tmp_path / "out").as_posix(): pair.ir.name for pair in pairs}
    assert found == {"2.png": "2.jpg", "a/b/1.png": "1.jpg"}


def test_pair_files__a_folder_with_a_bracket_in_its_name_is_no_pattern(rig):
    for name in ("vis", "ir"):
        (rig / name).rename(rig / f"{name}[1]")
    assert len(pair_files(rig / "vis[1]", rig / "ir[1]", rig / "out")) == 3


def test_pair_files__patterns_without_a_pair_are_refused(rig):
    with pytest.raises(CapturesError, match=r"3 found\).*0 found.*must be the same"):
        pair_files(rig / "vis/*.png", rig / "ir/*.tif", rig / "out")


def test_pair_files__are_in_counted_order(tmp_path):
    for name in ("frame2", "frame10", "frame1"):
        for folder in ("vis", "ir"):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{name}.png").touch()
    expected = ["frame1.png", "frame2.png", "frame10.png"]
    for vis, ir in (("vis", "ir"), ("vis/*.png", "ir/*.png")):
        pairs = pair_files(tmp_path / vis, tmp_path / ir, tmp_path / "out")
        assert [pair.vis.name for pair in pairs] == expected


def test_pair_list__a_name_may_have_its_suffix(tmp_path):
    (pair,) = pair_list(["a.png\tb.png\tstreet/1.png"], tmp_path)
    assert pair.out == tmp_path / "street" / "1.png"


def test_pair_list__a_line_a_pair(tmp_path):
    lines = ["# two pairs\n", "\n", "a/1.png\tb/1.png\n", "a/1.png\tc/1.png\tdusk/1\n"]
    first, second = pair_list(lines, tmp_path)
    assert (first.vis.as_posix(), first.ir.as_posix()) == ("a/1.png", "b/1.png")
    assert first.out == tmp_path / "1.png"
    assert second.out == tmp_path / "dusk/1.png"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["a.png b.png"], "line 1: expected VIS, IR"),
        (["a\tb\tc\td"], "line 1: expected VIS, IR"),
        (["a\tb\t../c"], "line 1: ../c: expected a name that stays in"),
        (["a\tb\t/c"], "stays in"),
        (["x/a.png\tb", "y/a.png\tb"], "line 2: a is the name of two pairs"),
        (["# nothing"], "names no pair"),
    ],
)
def test_pair_list__refuses(tmp_path, lines, words):
    with pytest.raises(CapturesError, match=words):
        pair_list(lines, tmp_path)
