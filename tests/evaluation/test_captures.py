import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from ssvif.data.images import write_png
from ssvif.errors import CapturesError
from ssvif.evaluation.captures import capture_pairs
from ssvif.evaluation.pairs import read_scene
from ssvif.params import IngestParams

PARAMS = IngestParams()


def test_capture_pairs__are_what_ingest_makes(street: Path, tmp_path: Path, caplog) -> None:
    source = capture_pairs([(None, street)], PARAMS, work=tmp_path)
    assert sorted(source.manifest["name"]) == [f"{number:02}" for number in range(8)]
    assert set(source.manifest["set"]) == {"street"}
    scene = read_scene(source.pairs, source.manifest.iloc[0].to_dict(), device=torch.device("cpu"))
    assert scene.vis.shape == (1, 3, 128, 128)
    assert source.refused == {}
    assert "no test pairs" not in caplog.text  # all are evaluated, whatever their split


def test_capture_pairs__leaves_the_captures_as_they_are(street: Path, tmp_path: Path) -> None:
    before = sorted(street.rglob("*"))
    capture_pairs([("other", street)], PARAMS, work=tmp_path)
    assert sorted(street.rglob("*")) == before


def test_capture_pairs__what_is_refused_has_its_reason(street: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(street, tmp_path / "mine")
    write_png(folder / "ir" / "03.png", np.zeros((64, 128), np.uint8))  # another size
    (folder / "vis" / "05.png").write_bytes(b"no image")
    source = capture_pairs([(None, folder)], PARAMS, work=tmp_path / "work")
    assert len(source.manifest) == 6
    assert set(source.refused) == {"mine/03", "mine/05"}
    assert "128x128" in source.refused["mine/03"]


def test_capture_pairs__a_refused_label_keeps_its_pair(street: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(street, tmp_path / "mine")
    (folder / "labels").mkdir()
    (folder / "labels" / "02.png").write_bytes(b"no image")
    source = capture_pairs([(None, folder)], PARAMS, work=tmp_path / "work")
    assert len(source.manifest) == 8
    assert source.refused == {}
    assert "label" in source.unlabelled["mine/02"]


def test_capture_pairs__none_accepted_says_why_and_where(street: Path, tmp_path: Path) -> None:
    params = PARAMS.model_copy(update={"min_size": 1000})
    with pytest.raises(CapturesError, match=r"none of 8 captures .* below 1000 .*work/.*/quaran"):
        capture_pairs([(None, street)], params, work=tmp_path / "work")


def test_capture_pairs__a_deleted_capture_is_gone(street: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(street, tmp_path / "mine")
    capture_pairs([(None, folder)], PARAMS, work=tmp_path / "work")
    (folder / "vis" / "00.png").unlink()
    (folder / "ir" / "00.png").unlink()
    source = capture_pairs([(None, folder)], PARAMS, work=tmp_path / "work")
    assert "00" not in set(source.manifest["name"])


def test_capture_pairs__several_folders_are_several_sets(street: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for kind in ("vis", "ir"):
        (other / kind).mkdir(parents=True)
        shutil.copy(street / kind / "00.png", other / kind / "00.png")
    bright = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    write_png(other / "vis" / "01.png", bright)
    write_png(other / "ir" / "01.png", bright[..., 0])
    source = capture_pairs([("a", street), ("b", other)], PARAMS, work=tmp_path / "work")
    assert set(source.manifest["set"]) == {"a", "b"}
    assert source.refused["b/00"].startswith("the same pixels as a/00")


def test_capture_pairs__empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CapturesError, match="empty"):
        capture_pairs([(None, tmp_path / "empty")], PARAMS, work=tmp_path / "work")
