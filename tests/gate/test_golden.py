import json

import pandas as pd
import pytest

from ssvif.data.classes import CLASSES_FILE
from ssvif.data.manifest import pair_paths
from ssvif.errors import GateError, ManifestError
from ssvif.evaluation.pairs import PairSource
from ssvif.files import write_text
from ssvif.gate.golden import (
    freeze_golden,
    open_golden,
    read_golden,
    require_unseen,
    require_wanted,
)


@pytest.fixture
def places(tmp_path):
    return {"folder": tmp_path / "golden", "file": tmp_path / "golden.json"}


def test_freeze_golden__copies_the_test_split_alone(source, places):
    frozen = freeze_golden(source, **places)
    assert frozen == read_golden(places["file"])
    golden = open_golden(frozen, places["folder"])
    test = source.manifest[source.manifest["split"] == "test"]
    assert set(golden.manifest["id"]) == set(test["id"])
    assert frozen.pairs == len(test)
    for pair_id in test["id"]:
        for copy, original in zip(
            pair_paths(pair_id, golden.pairs), pair_paths(pair_id, source.pairs), strict=True
        ):
            assert copy.read_bytes() == original.read_bytes()
    assert len(list((places["folder"] / "pairs/vis").iterdir())) == len(test)


def test_freeze_golden__takes_labels_along(source, places):
    test = source.manifest.loc[source.manifest["split"] == "test", "id"].iloc[0]
    write_text(source.labels / "boxes" / f"{test}.txt", "0 1 2 3 4\n")
    write_text(source.labels / CLASSES_FILE, "{}\n")
    freeze_golden(source, **places)
    assert (places["folder"] / "labels" / "boxes" / f"{test}.txt").read_text() == "0 1 2 3 4\n"
    assert (places["folder"] / "labels" / CLASSES_FILE).is_file()


def test_freeze_golden__twice_needs_a_word(source, places):
    first = freeze_golden(source, **places)
    with pytest.raises(GateError, match="frozen already; add --replace"):
        freeze_golden(source, **places)
    assert freeze_golden(source, **places, replace=True) == first


def test_freeze_golden__without_test_pairs_leaves_nothing(source, places):
    train = source.manifest[source.manifest["split"] == "train"]
    with pytest.raises(ManifestError, match="none in the split test"):
        freeze_golden(PairSource(train, source.pairs, source.labels, refused={}), **places)
    assert not places["folder"].exists()
    assert read_golden(places["file"]) is None


def test_freeze_golden__missing_image_leaves_nothing(source, places):
    test = source.manifest.loc[source.manifest["split"] == "test", "id"].iloc[0]
    pair_paths(test, source.pairs)[0].unlink()
    with pytest.raises(GateError, match="dvc repro ingest"):
        freeze_golden(source, **places)
    assert not places["folder"].exists()


def test_open_golden__changed_byte_is_refused(source, places):
    frozen = freeze_golden(source, **places)
    image = next((places["folder"] / "pairs/vis").iterdir())
    image.write_bytes(image.read_bytes() + b"\0")
    with pytest.raises(GateError, match="a frozen file was changed"):
        open_golden(frozen, places["folder"])


def test_open_golden__missing_folder_says_what_to_do(source, places, tmp_path):
    frozen = freeze_golden(source, **places)
    with pytest.raises(GateError, match="copy it from where it was frozen"):
        open_golden(frozen, tmp_path / "elsewhere")


@pytest.mark.parametrize(
    "content", ["{", '{"golden": {"hash": "x", "pairs": 1}}', '{"silver": null}', "[]"]
)
def test_read_golden__not_understood(tmp_path, content):
    file = tmp_path / "golden.json"
    file.write_text(content)
    with pytest.raises(GateError, match="git checkout"):
        read_golden(file)


def test_read_golden__null_is_none(tmp_path):
    file = tmp_path / "golden.json"
    file.write_text(json.dumps({"golden": None}))
    assert read_golden(file) is None


def test_require_unseen__held_out_pairs_pass(source):
    test = source.manifest[source.manifest["split"] == "test"]
    require_unseen(test, source.manifest)


@pytest.mark.parametrize("split", ["train", "val"])
def test_require_unseen__a_pair_that_trains_is_named(source, split):
    test = source.manifest[source.manifest["split"] == "test"]
    moved = source.manifest.copy()
    moved.loc[moved["id"] == test["id"].iloc[0], "split"] = split
    with pytest.raises(GateError, match=f"{test['set'].iloc[0]}/{test['name'].iloc[0]} is of"):
        require_unseen(test, moved)


def test_require_unseen__the_same_file_under_another_id(source):
    test = source.manifest[source.manifest["split"] == "test"]
    rows = source.manifest[source.manifest["split"] == "train"].copy()
    rows.loc[rows.index[0], "ir_sha256"] = test["ir_sha256"].iloc[0]
    with pytest.raises(GateError, match="now trains the challenger"):
        require_unseen(test, pd.concat([rows, test]))


@pytest.mark.parametrize("by", ["id", "name"])
def test_require_wanted__an_excluded_pair_is_named(source, by):
    golden = source.manifest[source.manifest["split"] == "test"]
    row = golden.iloc[2]
    name = f"{row['set']}/{row['name']}"
    with pytest.raises(GateError, match=f"^{name} .*1 of 12 .* golden freeze --replace"):
        require_wanted(golden, (row["id"] if by == "id" else name, "roads/nobody"))


def test_require_wanted__others_may_be_excluded(source):
    split = source.manifest["split"]
    other = source.manifest.loc[split == "train", "id"].iloc[0]
    require_wanted(source.manifest[split == "test"], (other,))
