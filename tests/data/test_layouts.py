from collections import Counter
from pathlib import Path

import pytest

from ssvif.data.layouts import (
    LAYOUTS,
    detect_layout,
    find_captures,
    list_files,
    natural_key,
    unread_images,
)
from ssvif.errors import CapturesError

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"

# Per layout: the files, what `auto` calls it, and for each pair its name, split and labels.
EXAMPLES = {
    "msrs": (
        ["train/vi/1D.png", "train/ir/1D.png", "train/Segmentation_labels/1D.png",
         "train/Segmentation_visualize/1D.png", "test/vi/2N.png", "test/ir/2N.png"],
        "plain",
        {"train/1D": ("train", "mask"), "test/2N": ("test", "")},
    ),
    "fmb": (
        ["train/Visible/1.png", "train/Infrared/1.png", "train/Label/1.png", "train/color/1.png"],
        "fmb",
        {"train/1": ("train", "mask")},
    ),
    "m3fd": (["Vis/1.png", "Ir/1.png", "Annotation/1.xml"], "plain", {"1": (None, "boxes")}),
    "llvip": (
        ["visible/train/01.jpg", "infrared/train/01.jpg", "visible/test/19.jpg",
         "infrared/test/19.jpg", "Annotations/01.xml", "Annotations/19.xml"],
        "plain",
        {"train/01": ("train", "boxes"), "test/19": ("test", "boxes")},
    ),
    "roadscene": (
        ["crop_LR_visible/FLIR_1.jpg", "crop_HR_visible/FLIR_1.jpg", "cropinfrared/FLIR_1.jpg"],
        "roadscene",
        {"FLIR_1": (None, "")},
    ),
    "tno": (
        ["Athena/bunker/IR_meting012_g.bmp", "Athena/bunker/VIS_meting012_r.bmp",
         "Athena/jeep/jeep_IR.bmp", "Athena/jeep/Jeep_Vis.bmp",
         "FEL/thermal/1800i.bmp", "FEL/visual/1800v.bmp"],
        "tno",
        {"Athena/bunker/meting012": (None, ""), "Athena/jeep/Jeep": (None, ""),
         "FEL/1800": (None, "")},
    ),
    "mfnet": (
        ["images/1D.png", "images/1D_flip.png", "images/2N.png", "labels/1D.png", "train.txt=1D",
         "test.txt=2N"],
        "mfnet",
        {"1D": ("train", "mask"), "2N": ("test", "")},
    ),
    "kaist": (
        ["set00/V000/visible/I1.jpg", "set00/V000/lwir/I1.jpg",
         "set06/V000/visible/I1.jpg", "set06/V000/lwir/I1.jpg"],
        "kaist",
        {"set00/V000/I1": ("train", ""), "set06/V000/I1": ("test", "")},
    ),
    "flir": (
        ["JPEGImages/FLIR_1_RGB.jpg", "JPEGImages/FLIR_1_PreviewData.jpeg",
         "Annotations/FLIR_1_PreviewData.xml", "align_validation.txt=FLIR_1_PreviewData"],
        "flir",
        {"FLIR_1": ("test", "boxes")},
    ),
    "pst900": (
        ["train/rgb/a.png", "train/thermal/a.png", "train/thermal_raw/a.png", "train/labels/a.png"],
        "plain",
        {"train/a": ("train", "mask")},
    ),
    "plain": (
        ["RGB/a.tif", "LWIR/a.png", "labels/a.png", "boxes/a.txt"],
        "plain",
        {"a": (None, "mask boxes")},
    ),
    "suffixed": (["a_vis.png", "a_ir.png", "vis/b-rgb.png", "ir/b-thermal.png"], "suffixed",
                 {"a": (None, ""), "b": (None, "")}),
}  # fmt: skip


def _touch(folder, files):
    for entry in files:
        name, _, text = entry.partition("=")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_layouts__each_has_an_example():
    assert set(EXAMPLES) == set(LAYOUTS)


@pytest.mark.parametrize("layout", EXAMPLES)
@pytest.mark.parametrize("auto", [True, False])
def test_find_captures__example(tmp_path, layout, auto):
    files, detected, expected = EXAMPLES[layout]
    folder = _touch(tmp_path / "set", files)
    captures = find_captures(folder, "auto" if auto else layout)
    found = {
        pair.name: (pair.split, " ".join(k for k in ("mask", "boxes") if getattr(pair, k)))
        for pair in captures
    }
    assert found == expected
    assert all(pair.is_complete and not pair.spare for pair in captures)
    assert detect_layout(folder) == detected


@pytest.mark.parametrize("wrapped", [EXAMPLES[name][0] for name in EXAMPLES])
def test_find_captures__a_folder_around_it_all(tmp_path, wrapped):
    plain = find_captures(_touch(tmp_path / "a", wrapped))
    deeper = find_captures(_touch(tmp_path / "b", [f"unpacked/{entry}" for entry in wrapped]))
    assert len(deeper) == len(plain)
    assert all(pair.is_complete for pair in deeper)


def test_find_captures__pairs_by_name_not_by_position(tmp_path):
    files = ["vis/a.png", "vis/b.png", "vis/d.png", "ir/b.png", "ir/c.png", "ir/d.png"]
    captures = find_captures(_touch(tmp_path, files))
    assert [(pair.name, pair.is_complete) for pair in captures] == [
        ("a", False), ("b", True), ("c", False), ("d", True),
    ]  # fmt: skip
    assert all(pair.vis.stem == pair.ir.stem for pair in captures if pair.is_complete)


def test_find_captures__letter_case_of_names_may_differ(tmp_path):
    [pair] = find_captures(_touch(tmp_path, ["VIS/Frame.PNG", "ir/frame.jpg"]))
    assert (pair.vis.name, pair.ir.name) == ("Frame.PNG", "frame.jpg")


def test_find_captures__spaces_and_accents(tmp_path):
    composed, decomposed = "caf\u00e9 1", "cafe\u0301 1"
    [pair] = find_captures(_touch(tmp_path, [f"vis/{composed}.png", f"ir/{decomposed}.png"]))
    assert pair.name == composed
    assert pair.is_complete


def test_find_captures__halves_without_a_name_have_the_sets(tmp_path):
    [pair] = find_captures(_touch(tmp_path / "rig", ["vis.png", "ir.png"]))
    assert (pair.name, pair.is_complete) == ("rig", True)
    [pair] = find_captures(_touch(tmp_path / "rig", ["rig_vis.png"]), "tno")
    assert [path.name for path in pair.spare] == ["vis.png"]


@pytest.mark.parametrize("around", ["thermal", "RGB", "ir/day"])
def test_find_captures__the_innermost_folder_names_the_modality(tmp_path, around):
    files = [f"{around}/vis/a.png", f"{around}/ir/a.png", f"{around}/labels/a.png"]
    [pair] = find_captures(_touch(tmp_path, files))
    assert pair.is_complete
    assert pair.mask is not None


def test_find_captures__a_list_that_cannot_be_read(tmp_path):
    folder = _touch(tmp_path, ["images/a.png"])
    (folder / "train.txt").symlink_to("train.txt")
    with pytest.raises(CapturesError, match=r"train\.txt: the list of a split cannot be read"):
        find_captures(folder, "mfnet")


def test_unread_images__those_in_no_capture(tmp_path):
    files = ["vis/a.png", "ir/a.png", "labels/a.png", "extra/b.PNG", "left/c.jpg", "notes.txt"]
    folder = _touch(tmp_path, files)
    unread = unread_images(folder, find_captures(folder, "plain"))
    assert [path.name for path in unread] == ["b.PNG", "c.jpg"]


def test_find_captures__two_files_for_one_place(tmp_path):
    [pair] = find_captures(_touch(tmp_path, ["vis/a.jpg", "vis/a.png", "ir/a.png"]))
    assert [path.name for path in pair.spare] == ["a.png"]


def test_find_captures__four_channels_are_one_file(tmp_path):
    [pair] = find_captures(_touch(tmp_path, ["images/a.png", "train.txt=a"]))
    assert pair.is_joint
    assert pair.files == (tmp_path / "images" / "a.png",)


def test_find_captures__raw_thermal_where_there_is_no_other(tmp_path):
    [pair] = find_captures(_touch(tmp_path, ["rgb/a.png", "thermal_raw/a.png"]))
    assert pair.ir.parent.name == "thermal_raw"


def test_find_captures__frames_in_the_order_of_their_numbers(tmp_path):
    files = [f"{half}/f{number}.png" for half in ("vis", "ir") for number in (10, 9, 100)]
    captures = find_captures(_touch(tmp_path, files))
    assert [pair.name for pair in captures] == ["f9", "f10", "f100"]


def test_find_captures__hidden_and_unreadable_names_are_left_out(tmp_path, caplog):
    files = ["vis/a.png", "ir/a.png", "vis/._a.png", ".trash/vis/b.png", "vis/x\ny.png"]
    assert [pair.name for pair in find_captures(_touch(tmp_path, files))] == ["a"]
    (record,) = caplog.records
    assert "rename it" in record.getMessage()
    find_captures(tmp_path)
    assert len(caplog.records) == 1, "a file is told of once"


@pytest.mark.parametrize("layout", ["auto", "tno"])
def test_find_captures__nothing_there(tmp_path, layout):
    with pytest.raises(CapturesError, match="no visible and infrared images"):
        find_captures(tmp_path, layout)


def test_find_captures__unknown_layout(tmp_path):
    with pytest.raises(CapturesError, match="unknown layout brsr; known: auto, plain"):
        find_captures(tmp_path, "brsr")


def test_list_files__those_of_the_layout(tmp_path):
    _touch(tmp_path, ["images/a.png", "train.txt=a", "notes.txt=b"])
    assert list_files(tmp_path, "mfnet") == [tmp_path / "train.txt"]
    assert list_files(tmp_path, "plain") == []


def test_natural_key__numbers_by_value():
    assert sorted(["b1", "a10", "a9"], key=natural_key) == ["a9", "a10", "b1"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real pairs are not beside the repository")
@pytest.mark.parametrize(
    ("name", "splits"),
    [
        ("msrs", {"train": 201, "test": 80}),
        ("tno", {None: 21}),
        ("cwfid", {"train": 40, "test": 20}),
    ],
)
def test_find_captures__real_sets(name, splits):
    captures = find_captures(SHARED / name)
    assert Counter(pair.split for pair in captures) == splits
    assert all(pair.is_complete for pair in captures)
