import numpy as np
import pytest
from PIL import Image

from ssvif.data.contact_sheet import draw_contact_sheet
from ssvif.data.ingest import ingest
from ssvif.params import IngestParams


@pytest.fixture
def draw(tmp_path):
    def draw_into(name):
        ingested = ingest(IngestParams(), root=tmp_path)
        path = tmp_path / name
        draw_contact_sheet(
            ingested.manifest, ingested.rejections, pairs=tmp_path / "data/pairs", path=path
        )
        return path

    return draw_into


def test_draw_contact_sheet__a_row_a_set(tmp_path, save_pairs, draw):
    save_pairs(tmp_path / "data/captures/one", 8)
    single = Image.open(draw("single.png"))
    save_pairs(tmp_path / "data/captures/two", 2, first=20)
    double = Image.open(draw("double.png"))
    assert single.width == double.width
    assert double.height > 1.8 * single.height


def test_draw_contact_sheet__shows_the_pairs(tmp_path, save_pairs, make_pair, draw):
    save_pairs(tmp_path / "data/captures/one", 1)
    sheet = np.asarray(Image.open(draw("sheet.png")))
    (vis, ir), (top, left) = make_pair(0), (32 + 44, 32)
    cell = sheet[top : top + 156, left : left + 208]
    assert np.abs(cell.mean(axis=(0, 1)) - vis.mean(axis=(0, 1))).max() < 4
    cell = sheet[top + 158 : top + 314, left : left + 208]
    assert abs(cell.mean() - ir.mean()) < 4


def test_draw_contact_sheet__same_bytes_are_left_alone(tmp_path, save_pairs, draw):
    save_pairs(tmp_path / "data/captures/one", 3)
    before = draw("sheet.png").stat()
    assert draw("sheet.png").stat().st_mtime_ns == before.st_mtime_ns


def test_draw_contact_sheet__what_was_refused(tmp_path, save_pairs, save, draw):
    home = save_pairs(tmp_path / "data/captures/one", 6)
    (home / "vis/000.png").write_bytes(b"x")
    (home / "ir/001.png").unlink()
    save(home / "ir/002.png", np.full((144, 192), 500, np.uint16))
    (home / "vis/003.png").unlink()
    (home / "vis/003.png").symlink_to("/etc/hostname")
    (home / "vis/004.png").rename(home / f"vis/{'long ' * 20}004.png")
    sheet = np.asarray(Image.open(draw("sheet.png")))
    red = (sheet == (172, 52, 60)).all(axis=2)
    assert red[sheet.shape[0] // 2 :].any()
    assert not red[: sheet.shape[0] // 2 - 20].any()
