from pathlib import Path

import numpy as np
import pytest

from ssvif.data.images import write_png
from ssvif.errors import CapturesError
from ssvif.fuse.marks import Marks
from ssvif.fuse.pairing import name_key, pair_captures, pair_files, pair_list


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
    assert f"passed over: {rig / 'vis' / '1.png'}\n" in caplog.text


def test_pair_files__names_the_first_of_many_that_have_no_partner(rig, caplog):
    _touch(rig / "ir", *(f"{number}.png" for number in range(10, 17)))
    assert len(pair_files(rig / "vis", rig / "ir", rig / "out")) == 3
    assert "10.png, " in caplog.text
    assert f"{rig / 'ir' / '14.png'} and 2 more\n" in caplog.text


@pytest.mark.parametrize("call", ["folders", "patterns", "list", "captures"])
def test_pair__an_image_of_somebody_else_is_not_overwritten(rig, call):
    out = rig / "day2"
    (rig / "captures").mkdir()
    (rig / "vis").rename(rig / "captures/vis")
    (rig / "ir").rename(rig / "captures/ir")
    vis, ir = rig / "captures/vis", rig / "captures/ir"
    calls = {
        "folders": lambda: pair_files(vis, ir, out),
        "patterns": lambda: pair_files(vis / "*.png", ir / "*.png", out),
        "list": lambda: pair_list([f"{vis / '1.png'}\t{ir / '1.png'}"], out),
        "captures": lambda: pair_captures(rig / "captures", out),
    }
    assert {pair.out.name for pair in calls[call]()} >= {"1.png"}
    fused = Marks(weights="a" * 64, vis="b" * 64, ir="c" * 64)
    write_png(out / "1.png", np.zeros((8, 8, 3), np.uint8), text=fused.as_text())
    calls[call]()
    write_png(out / "1.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(CapturesError, match=r"1\.png: exists and is no fused image"):
        calls[call]()


def test_pair_files__a_file_that_is_named_may_be_overwritten(rig):
    write_png(rig / "out.png", np.zeros((8, 8, 3), np.uint8))
    assert len(pair_files(rig / "vis/0.png", rig / "ir/0.png", rig / "out.png")) == 1


@pytest.mark.parametrize(
    ("vis", "ir", "out", "words"),
    [
        ("none", "ir", "out", "no such file"),
        ("vis/0.png", "ir", "out", "two files or two folders"),
        ("vis/0.png", "ir/0.png", "out.tga", r"ends in \.png"),
        ("vis", "ir/../vis", "out", "as visible and as infrared; give the infrared folder"),
        ("vis/0.png", "vis/0.png", "out.png", "give the infrared image, too"),
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


def _outs(folder, vis, ir):
    pairs = pair_files(folder / vis, folder / ir, folder / "out")
    return {pair.vis.name: pair.out.relative_to(folder / "out").as_posix() for pair in pairs}


def test_pair_files__names_with_dots_are_kept(tmp_path):
    _touch(tmp_path, *(f"{half}/cam.{n}.png" for half in ("vi", "ir") for n in ("000", "001")))
    assert set(_outs(tmp_path, "vi/*.png", "ir/*.png").values()) == {"cam.000.png", "cam.001.png"}


def test_pair_files__a_wildcard_that_stands_for_nothing_counts(tmp_path):
    _touch(tmp_path, "vi/a_1.png", "vi/a1_.png", "ir/a_1.png", "ir/a1_.png")
    found = _outs(tmp_path, "vi/a*_*.png", "ir/a*_*.png")
    assert found == {"a_1.png": "1.png", "a1_.png": "1/a1_.png"}


def test_pair_files__what_only_nothing_stands_for_is_called_as_the_visible_file(tmp_path):
    _touch(tmp_path, "left.png", "left1.png", "right.png", "right1.png")
    found = _outs(tmp_path, "left*.png", "right*.png")
    assert found == {"left.png": "left.png", "left1.png": "1.png"}


def test_pair_files__sets_of_characters_are_as_in_file_names(tmp_path):
    names = ("a1.png", "b1.png", "^1.png")
    _touch(tmp_path, *(f"{half}/{name}" for half in ("vi", "ir") for name in names))
    assert set(_outs(tmp_path, "vi/[!b]*.png", "ir/[!b]*.png")) == {"a1.png", "^1.png"}
    assert set(_outs(tmp_path, "vi/[^b]*.png", "ir/[^b]*.png")) == {"b1.png", "^1.png"}


def test_pair_files__two_pairs_of_one_output_are_refused(tmp_path):
    _touch(tmp_path, *(f"{half}/{name}.png" for half in ("vi", "ir") for name in ("x", "xx")))
    with pytest.raises(CapturesError, match=r"x\.png: would be the fused image of both"):
        _outs(tmp_path, "vi/x*.png", "ir/x*.png")


def test_pair_files__an_output_without_suffix_is_a_folder(rig):
    (pair,) = pair_files(rig / "vis/0.png", rig / "ir/0.png", rig / "new")
    assert pair.out == rig / "new" / "0.png"


@pytest.mark.parametrize(
    ("vis", "ir", "out"),
    [
        ("vis/0.png", "ir/0.png", "vis"),
        ("vis/0.png", "ir/0.png", "ir/0.png"),
        ("vis/?.png", "ir/?.png", "vis"),
        ("vis/?.png", "ir/?.png", "link"),
        ("linked", "ir", "vis"),
    ],
)
def test_pair_files__never_overwrites_a_source(rig, vis, ir, out):
    (rig / "link").symlink_to(rig / "ir")
    (rig / "linked").mkdir()
    (rig / "linked" / "0.png").symlink_to(rig / "vis" / "0.png")
    with pytest.raises(CapturesError, match="is a source and would be overwritten"):
        pair_files(rig / vis, rig / ir, rig / out)


def test_pair_list__never_overwrites_a_source_of_another_pair(rig):
    lines = [f"{rig}/vis/0.png\t{rig}/ir/0.png\tvis/1", f"{rig}/vis/1.png\t{rig}/ir/1.png\tx"]
    with pytest.raises(CapturesError, match=r"vis/1\.png: is a source"):
        pair_list(lines, rig)


def test_pair_captures__never_overwrites_a_source(rig):
    delivery = rig / "delivery"
    for half in ("vis", "ir"):
        (delivery / "train" / half).mkdir(parents=True)
        (delivery / "train" / half / "0.png").symlink_to(rig / half / "0.png")
    (rig / "train").symlink_to(rig / "vis")
    with pytest.raises(CapturesError, match=r"train/0\.png: is a source"):
        pair_captures(delivery, rig)


@pytest.mark.parametrize("out", ["", "train", "train/vis", "train/ir"])
def test_pair_captures__an_output_folder_that_holds_sources(rig, out):
    for half in ("vis", "ir"):
        (rig / "delivery" / "train").mkdir(parents=True, exist_ok=True)
        (rig / half).rename(rig / "delivery" / "train" / half)
    with pytest.raises(CapturesError, match="holds the sources"):
        pair_captures(rig / "delivery", rig / "delivery" / out)
    assert pair_captures(rig / "delivery", rig / "delivery" / "fused")


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


def test_pair_list__a_byte_order_mark_is_no_part_of_a_name(tmp_path):
    (pair,) = pair_list(["\ufeffa.png\tb.png"], tmp_path)
    assert pair.vis == Path("a.png")


def test_name_key__any_case_and_composition():
    assert name_key("Caf\u00e9") == name_key("CAFE\u0301")
    assert name_key("a") != name_key("b")


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
        (["a\tb\tx/a", "c\td\tx//a"], "line 2: x//a is the name of two pairs"),
        (["a\tb\ta", "c\td\t./a.png"], "line 2: ./a is the name of two pairs"),
        (["# nothing"], "names no pair"),
    ],
)
def test_pair_list__refuses(tmp_path, lines, words):
    with pytest.raises(CapturesError, match=words):
        pair_list(lines, tmp_path)


def test_pair_files__a_wildcard_for_whole_names_doubles_no_suffix(tmp_path):
    for name in ("vis/1.5m.jpg", "vis/b.PNG", "ir/1.5m.jpg", "ir/b.PNG"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    pairs = pair_files(tmp_path / "vis/*", tmp_path / "ir/*", tmp_path / "out")
    assert [pair.out.name for pair in pairs] == ["1.5m.png", "b.png"]
