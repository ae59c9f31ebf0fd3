import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ssvif.data.images import write_png
from ssvif.fuse.fuser import Fuser
from ssvif.fuse.pair import PLAIN, Manner
from ssvif.fuse.places import PRETRAINED
from ssvif.registry.scoring import score


@pytest.fixture(scope="module")
def fuser():
    return Fuser.load(PRETRAINED)


@pytest.fixture
def folder(tmp_path, pair):
    for number, (vis, ir) in enumerate(zip(*pair, strict=True)):
        write_png(tmp_path / "rig" / "vis" / f"{number}.png", vis)
        write_png(tmp_path / "rig" / "ir" / f"{number}.png", ir)
    write_png(tmp_path / "elsewhere.png", pair[0][0])
    (tmp_path / "rig" / "link.png").symlink_to(tmp_path / "elsewhere.png")
    return tmp_path / "rig"


def _score(fuser, folder, *rows, manner=PLAIN):
    table = pd.DataFrame(rows, columns=["vis", "ir", "out"])
    return score(fuser, table, folder=folder, manner=manner)


def _uri(path):
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _image(png):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))))


def test_score__paths_in_and_a_path_or_an_image_out(fuser, folder, pair):
    done = _score(
        fuser,
        folder,
        ("vis/0.png", "ir/0.png", "fused/a.png"),
        (str(folder / "vis/1.png"), "ir/1.png", None),
    )
    assert list(done["out"]) == ["fused/a.png", ""]
    assert list(done["error"]) == ["", ""]
    fused = [fuser(vis, ir) for vis, ir in zip(*pair, strict=True)]
    np.testing.assert_array_equal(np.asarray(Image.open(folder / "fused/a.png")), fused[0])
    np.testing.assert_array_equal(_image(done["png"][1]), fused[1])


def test_score__a_second_call_leaves_what_is_done(fuser, folder):
    row = ("vis/0.png", "ir/0.png", "a.png")
    _score(fuser, folder, row)
    before = (folder / "a.png").stat().st_mtime_ns
    assert list(_score(fuser, folder, row)["out"]) == ["a.png"]
    assert (folder / "a.png").stat().st_mtime_ns == before


def test_score__images_in_the_table_need_no_folder(fuser, folder, pair):
    row = (_uri(folder / "vis/0.png"), _uri(folder / "ir/0.png"), None)
    (png,) = _score(fuser, None, row)["png"]
    np.testing.assert_array_equal(_image(png), fuser(pair[0][0], pair[1][0]))


@pytest.mark.parametrize(
    ("vis", "out", "words"),
    [
        ("../elsewhere.png", None, "outside the folder"),
        ("/etc/passwd", None, "outside the folder"),
        ("link.png", None, "outside the folder"),
        (".", None, "outside the folder"),
        ("none.png", None, "cannot be read"),
        ("a\0b.png", None, "not a path"),
        (None, None, "expected a path"),
        (float("nan"), None, "expected a path"),
        ("data:image/png;base64,????", None, "expected data:image"),
        ("data:image/png,abc", None, "expected data:image"),
        ("data:image/png;base64,aGVsbG8=", None, "not a PNG"),
        ("vis/0.png", "../a.png", "outside the folder"),
        ("vis/0.png", "a.jpg", "ends in .png"),
        ("vis/0.png", "ir/1.png", "no fused image"),
        ("vis/0.png", "good.png", "another row"),
        ("vis/0.png", "vis/0.png/a.png", "cannot be written"),
    ],
)
def test_score__a_bad_row_says_so_and_the_others_are_fused(fuser, folder, vis, out, words):
    good = ("vis/1.png", "ir/1.png", "good.png")
    before = (folder / "ir/1.png").read_bytes()
    done = _score(fuser, folder, good, (vis, "ir/0.png", out))
    assert list(done["out"]) == ["good.png", ""]
    assert done["error"][0] == ""
    assert words in done["error"][1]
    assert str(folder) not in done["error"][1]
    assert (folder / "ir/1.png").read_bytes() == before


def test_score__never_overwrites_its_own_source(fuser, folder):
    _score(fuser, folder, ("vis/0.png", "ir/0.png", "fused.png"))
    (error,) = _score(fuser, folder, ("fused.png", "ir/0.png", "fused.png"))["error"]
    assert "would overwrite its own source" in error


def test_score__a_row_too_large_for_memory_fails_alone(fuser, folder, monkeypatch):
    fuse, large = Fuser.__call__, (50, 61)

    def outsized(self, vis, ir):
        if ir.shape == large:
            raise MemoryError
        return fuse(self, vis, ir)

    monkeypatch.setattr(Fuser, "__call__", outsized)
    for half in ("vis", "ir"):
        path = folder / half / "1.png"
        Image.open(path).resize((40, 40)).save(path)
    rows = [(f"vis/{number}.png", f"ir/{number}.png", None) for number in range(2)]
    done = _score(fuser, folder, *rows)
    assert "vis/0.png: too large for the memory" in done["error"][0]
    assert done["error"][1] == ""
    assert done["png"][1]


def test_score__paths_without_a_folder(fuser, folder):
    (error,) = _score(fuser, None, (str(folder / "vis/0.png"), "ir/0.png", None))["error"]
    assert "set SSVIF_FOLDER" in error


def test_score__deep_infrared_has_the_range_that_is_given_whatever_the_batch(fuser, folder):
    for number in range(2):
        deep = np.linspace(27000, 30000, 50 * 61).reshape(50, 61).astype(np.uint16) + 500 * number
        Image.fromarray(deep).save(folder / "ir" / f"{number}.png")
    rows = [(f"vis/{number}.png", f"ir/{number}.png", None) for number in range(2)]
    assert all("--ir-range" in error for error in _score(fuser, folder, *rows)["error"])
    manner = Manner(ir_range=(27000.0, 31000.0))
    together = _score(fuser, folder, *rows, manner=manner)["png"]
    alone = [_score(fuser, folder, row, manner=manner)["png"][0] for row in rows]
    assert list(together) == alone


def test_score__keeps_the_tables_index_and_takes_no_rows(fuser, folder):
    table = pd.DataFrame({"vis": ["vis/0.png"], "ir": ["ir/0.png"]}, index=[7])
    done = score(fuser, table, folder=folder, manner=PLAIN)
    assert list(done.index) == [7]
    assert score(fuser, table[:0], folder=folder, manner=PLAIN).empty
