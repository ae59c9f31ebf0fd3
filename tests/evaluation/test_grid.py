from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssvif.evaluation.candidates import Scene
from ssvif.evaluation.grid import draw_grid, grid_row
from ssvif.fuse.palette import palette


def test_grid_row__shows_sources_fused_images_and_segmentations(scene: Scene, candidates) -> None:
    row = grid_row(scene, *candidates[:2], caption="roads")
    assert [panel.shape for panel in row.panels] == [
        (50, 70, 3),
        (50, 70),
        *[(50, 70, 3)] * 3,
        *[(13, 18, 3)] * 2,
    ]
    colours = {tuple(colour) for colour in row.panels[-1].reshape(-1, 3)}
    assert colours <= {tuple(colour) for colour in palette(4)}
    assert row.note.endswith("% agree")


def test_draw_grid__same_rows_give_the_same_bytes(scene: Scene, candidates, tmp_path: Path) -> None:
    rows = [grid_row(scene, *candidates[:2], caption="roads, day\n" + 40 * "long")] * 2
    for name in ("first.png", "second.png"):
        draw_grid(tmp_path / name, rows, prototypes=4)
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()


def test_draw_grid__grows_with_its_rows_and_is_not_blank(
    scene: Scene, candidates, tmp_path: Path
) -> None:
    row = grid_row(scene, *candidates[:2], caption="roads")
    heights = []
    for count in (1, 3):
        path = tmp_path / f"{count}.png"
        draw_grid(path, [row] * count, prototypes=4)
        with Image.open(path) as image:
            heights.append(image.height)
            assert np.asarray(image.convert("L")).std() > 20.0
    cell = 2.1 * 50 / 70 + 0.04
    assert heights[1] - heights[0] == pytest.approx(2 * cell * 130, abs=2)
