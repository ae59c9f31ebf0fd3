from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssvif.data.synthetic import render_pair, write_sample
from ssvif.data.synthetic import sample as sample_module
from ssvif.errors import StorageError

SMALL = {"height": 64, "width": 80}


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_write_sample__writes_every_part_of_every_pair(tmp_path):
    write_sample(tmp_path / "s", pairs=3, seed=1, **SMALL)
    pair = render_pair(2, seed=1, **SMALL)
    for kind, image in (("vis", pair.vis), ("ir", pair.ir), ("labels", pair.mask)):
        paths = sorted((tmp_path / "s" / kind).iterdir())
        assert len(paths) == 3
        np.testing.assert_array_equal(np.asarray(Image.open(paths[2])), image)
    text = (tmp_path / "s" / "boxes" / f"{pair.name}.txt").read_text()
    boxes = [[float(value) for value in line.split()] for line in text.splitlines()]
    np.testing.assert_allclose(boxes, np.array(pair.boxes), atol=1e-6)


def test_write_sample__again_gives_the_same_bytes(tmp_path):
    write_sample(tmp_path / "s", pairs=2, seed=1, **SMALL)
    first = contents(tmp_path / "s")
    write_sample(tmp_path / "s", pairs=2, seed=1, **SMALL)
    assert contents(tmp_path / "s") == first
    assert len(first) == 8


def test_write_sample__fewer_pairs_replace_more(tmp_path):
    write_sample(tmp_path / "s", pairs=3, seed=1, **SMALL)
    write_sample(tmp_path / "s", pairs=1, seed=1, **SMALL)
    assert len(contents(tmp_path / "s")) == 4


def test_write_sample__a_run_that_stops_halfway_leaves_the_sample_as_it_was(tmp_path, monkeypatch):
    write_sample(tmp_path / "s", pairs=2, seed=1, **SMALL)
    before = contents(tmp_path)

    def stopped(index, **arguments):
        if index == 1:
            raise KeyboardInterrupt
        return render_pair(index, **arguments)

    monkeypatch.setattr(sample_module, "render_pair", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_sample(tmp_path / "s", pairs=3, seed=2, **SMALL)
    assert contents(tmp_path) == before


def test_write_sample__a_file_that_comes_meanwhile_is_kept(tmp_path, monkeypatch):
    def disturbed(index, **arguments):
        (tmp_path / "s").mkdir()
        (tmp_path / "s" / "mine.txt").write_text("mine")
        return render_pair(index, **arguments)

    monkeypatch.setattr(sample_module, "render_pair", disturbed)
    with pytest.raises(StorageError, match=r"mine\.txt"):
        write_sample(tmp_path / "s", pairs=1, seed=1, **SMALL)
    assert contents(tmp_path) == {"s/mine.txt": b"mine"}


@pytest.mark.parametrize("name", [".", "new/..", ".."])
def test_write_sample__the_current_folder_is_refused(tmp_path, monkeypatch, name):
    here = tmp_path / "here"
    here.mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    monkeypatch.chdir(here)
    with pytest.raises(StorageError, match="the current folder is in it"):
        write_sample(Path(name), pairs=1, seed=1, **SMALL)
    assert here.is_dir()
    assert contents(tmp_path) == {"notes.txt": b"mine"}


def test_write_sample__a_link_leads_to_the_folder_that_is_made(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "s")
    write_sample(tmp_path / "link", pairs=1, seed=1, **SMALL)
    assert (tmp_path / "link").is_symlink()
    assert len(contents(tmp_path / "s")) == 4


@pytest.mark.parametrize("name", ["notes.txt", "vis/holiday.png", "a/vis/00000_day_clear.png"])
def test_write_sample__a_folder_with_other_files_is_refused(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    with pytest.raises(StorageError, match="holds other files"):
        write_sample(tmp_path, pairs=1, seed=1, **SMALL)
    assert path.read_text() == "mine"


def test_write_sample__a_file_in_its_place_is_refused(tmp_path):
    (tmp_path / "s").write_text("mine")
    with pytest.raises(StorageError, match="it is a file"):
        write_sample(tmp_path / "s", pairs=1, seed=1, **SMALL)
