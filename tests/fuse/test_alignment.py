import json

import numpy as np
import pytest

from ssvif.errors import CapturesError
from ssvif.fuse.alignment import Alignment, read_alignment


def _alignment(*rows):
    return Alignment(ir_to_vis=rows)


def _ir(height=20, width=30):
    return np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)


def test_alignment__nothing_to_do_changes_nothing():
    ir = _ir()
    same = _alignment((1, 0, 0), (0, 1, 0), (0, 0, 1))
    moved, seen = same(ir, np.zeros((20, 30, 3), np.uint8))
    assert np.array_equal(moved, ir)
    assert seen.all()


def test_alignment__moves_by_whole_pixels_and_leaves_the_visible_luminance_around():
    ir = _ir()
    vis = np.full((24, 40), 77, np.uint8)
    moved, seen = _alignment((1, 0, 5), (0, 1, 3), (0, 0, 1))(ir, vis)
    assert np.array_equal(moved[3:23, 5:35], ir)
    assert seen[3:23, 5:35].all()
    assert seen.sum() == ir.size
    assert (moved[~seen] == 77).all()


def test_alignment__scales_about_the_middle_of_the_first_pixel():
    ir = np.repeat(np.arange(0, 200, 10, dtype=np.uint8)[None], 20, axis=0)
    vis = np.zeros((40, 40, 3), np.uint8)
    moved, _ = _alignment((2, 0, 0), (0, 2, 0), (0, 0, 1))(ir, vis)
    # Infrared's pixel x lies at 2x: every other one is it, those between are halfway.
    assert moved[10, 2:36:2].tolist() == ir[5, 1:18].tolist()
    assert moved[10, 3:35:2].tolist() == [value + 5 for value in ir[5, 1:17].tolist()]


def test_alignment__a_perspective_brings_corners_where_they_belong():
    rows = ((1.1, 0.05, 2.0), (-0.02, 0.95, 4.0), (0.001, 0.0005, 1.0))
    ir = np.zeros((60, 80), np.uint8)
    ir[30:33, 50:53] = 255
    moved, _ = _alignment(*rows)(ir, np.zeros((80, 100), np.uint8))
    x, y, scale = np.array(rows) @ (51, 31, 1)
    rows_found, columns_found = np.nonzero(moved > 127)
    assert columns_found.mean() == pytest.approx(x / scale, abs=0.6)
    assert rows_found.mean() == pytest.approx(y / scale, abs=0.6)


def test_read_alignment__reads_what_is_documented(tmp_path):
    path = tmp_path / "rig.json"
    path.write_text(json.dumps({"ir_to_vis": [[1, 0, 5], [0, 1, 3], [0, 0, 1]]}))
    assert read_alignment(path) == _alignment((1, 0, 5), (0, 1, 3), (0, 0, 1))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        ("{", "not readable as JSON"),
        ('{"homography": []}', "unknown key homography"),
        ('{"ir_to_vis": [[1, 0], [0, 1]]}', "ir_to_vis"),
        ('{"ir_to_vis": [[1, 0, 0], [2, 0, 0], [0, 0, 1]]}', "can be inverted"),
    ],
)
def test_read_alignment__refuses(tmp_path, content, words):
    path = tmp_path / "rig.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(CapturesError, match=words) as refused:
        read_alignment(path)
    assert '{"ir_to_vis": [[a, b, c]' in str(refused.value)
