from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from ssvif.errors import EvaluationError, ImageError
from ssvif.evaluation.candidates import Scene
from ssvif.evaluation.folders import open_folder

HEIGHT, WIDTH = 12, 16


@pytest.fixture
def rows() -> pd.DataFrame:
    """Two sets; 02 is in both, under other paths."""
    places = [("a", "roads", "test/01"), ("b", "roads", "test/02"), ("c", "fields", "02")]
    return pd.DataFrame(places, columns=["id", "set", "name"])


@pytest.fixture
def pair() -> Scene:
    return scene_of("a")


def scene_of(pair_id: str) -> Scene:
    vis, ir = torch.zeros(1, 3, HEIGHT, WIDTH), torch.zeros(1, 1, HEIGHT, WIDTH)
    return Scene(pair_id, "roads", "test/01", vis=vis, ir=ir)


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def grey(level: int, *, size: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    return np.full(size, level, dtype=np.uint8)


@pytest.mark.parametrize(
    ("file", "pair_id"),
    [
        ("roads/test/01.png", "a"),  # SET/NAME
        ("test/01.png", "a"),  # NAME
        ("roads/01.png", "a"),  # SET/STEM
        ("01.png", "a"),  # the stem alone
        ("anywhere/deep/01.png", "a"),
        ("fields/02.png", "c"),
        ("TEST/01.PNG", "a"),
    ],
)
def test_open_folder__matches_by_name(rows, tmp_path: Path, file: str, pair_id: str) -> None:
    save(tmp_path / file, grey(9))
    candidate = open_folder("other", tmp_path, rows, rows)
    assert candidate.files == {pair_id: tmp_path / file}
    assert set(candidate.missing) == {"a", "b", "c"} - {pair_id}


def test_open_folder__never_matches_by_position(rows, tmp_path: Path) -> None:
    for name in ("02", "01", "00"):
        save(tmp_path / "test" / f"{name}.png", grey(9))
    candidate = open_folder("other", tmp_path, rows, rows)
    assert {pair: path.stem for pair, path in candidate.files.items()} == {"a": "01", "b": "02"}


def test_open_folder__a_name_of_two_pairs_is_of_neither(rows, tmp_path: Path) -> None:
    save(tmp_path / "deep" / "02.png", grey(9))
    save(tmp_path / "deep" / "01.png", grey(9))
    candidate = open_folder("other", tmp_path, rows, rows)
    assert set(candidate.files) == {"a"}
    assert candidate.missing["b"] == "02.png may be the image of 2 pairs; call it roads/test/02"


def test_open_folder__two_images_of_a_name_are_of_no_pair(rows, tmp_path: Path) -> None:
    for name in ("roads/test/01.png", "roads/test/01.bmp", "roads/test/02.png"):
        save(tmp_path / name, grey(9))
    candidate = open_folder("other", tmp_path, rows, rows)
    assert set(candidate.files) == {"b"}
    assert candidate.missing["a"] == (
        "2 images may be its own (01.bmp, 01.png); keep one, or call it roads/test/01"
    )


def test_open_folder__evaluated_pairs_go_first(rows, tmp_path: Path) -> None:
    save(tmp_path / "02.png", grey(9))
    evaluated = rows[rows["set"] == "fields"]
    candidate = open_folder("other", tmp_path, evaluated, rows)
    assert set(candidate.files) == {"c"}


@pytest.mark.parametrize("files", [[], ["x/notes.txt"]])
def test_open_folder__without_images_says_what_it_expected(rows, tmp_path, files) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("no image")
    with pytest.raises(EvaluationError, match=r"other: no image in .*such as 01\.png or roads/te"):
        open_folder("other", tmp_path, rows, rows)


def test_open_folder__no_name_that_matches_shows_one_that_came(rows, tmp_path: Path) -> None:
    save(tmp_path / "out" / "fused_77.png", grey(9))
    with pytest.raises(EvaluationError, match=r"such as 01\.png.*, found out/fused_77\.png"):
        open_folder("other", tmp_path, rows, rows)


def test_open_folder__missing_folder_is_named(rows, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="nowhere is no folder"):
        open_folder("other", tmp_path / "nowhere", rows, rows)


@pytest.mark.parametrize(
    ("suffix", "pixels", "channels", "value"),
    [
        ("png", grey(51), 1, 0.2),
        ("png", np.dstack([grey(51)] * 3), 1, 0.2),
        ("png", np.dstack([grey(51)] * 3 + [grey(7)]), 1, 0.2),  # transparency is dropped
        ("png", np.dstack([grey(51), grey(7)]), 1, 0.2),
        ("png", np.full((HEIGHT, WIDTH), 51 * 257, dtype=np.uint16), 1, 0.2),
        ("tif", grey(51), 1, 0.2),
        ("png", np.dstack([grey(255), grey(0), grey(0)]), 3, 1.0),
    ],
)
def test_fuse__reads_any_kind(rows, pair, tmp_path, suffix, pixels, channels, value) -> None:
    save(tmp_path / f"01.{suffix}", pixels)
    image = open_folder("other", tmp_path, rows, rows).fuse(pair)
    assert image.shape == (1, channels, HEIGHT, WIDTH)
    assert image[0, 0].unique().tolist() == pytest.approx([value])


def test_fuse__another_size_is_refused(rows, pair, tmp_path: Path) -> None:
    save(tmp_path / "01.png", grey(9, size=(HEIGHT // 2, WIDTH // 2)))
    candidate = open_folder("other", tmp_path, rows, rows)
    with pytest.raises(ImageError, match=r"01\.png: expected 16x12, the size of the pair, .*8x6"):
        candidate.fuse(pair)
    assert candidate.read(pair).shape == (1, 1, HEIGHT // 2, WIDTH // 2)


def test_read__other_proportions_are_refused(rows, pair, tmp_path: Path) -> None:
    save(tmp_path / "01.png", grey(9, size=(HEIGHT // 2, WIDTH)))
    with pytest.raises(ImageError, match="expected 16x12"):
        open_folder("other", tmp_path, rows, rows).read(pair)


def test_fuse__what_holds_no_numbers_or_is_damaged_is_named(rows, tmp_path: Path) -> None:
    save(tmp_path / "roads/test/01.tif", np.full((HEIGHT, WIDTH), np.nan, dtype=np.float32))
    (tmp_path / "roads/test/02.png").write_bytes(b"no image")
    candidate = open_folder("other", tmp_path, rows, rows)
    with pytest.raises(ImageError, match=r"01\.tif: .*floats"):
        candidate.fuse(scene_of("a"))
    with pytest.raises(ImageError, match=r"02\.png: not a PNG"):
        candidate.fuse(scene_of("b"))
    with pytest.raises(ImageError, match="no image called fields/02 or 02"):
        candidate.fuse(scene_of("c"))
