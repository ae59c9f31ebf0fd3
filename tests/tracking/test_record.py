import pytest

from ssvif.errors import StorageError
from ssvif.files import sha256_folder
from ssvif.tracking.facts import StageFacts
from ssvif.tracking.journal import Row
from ssvif.tracking.record import find_records, read_record, write_record

FACTS = StageFacts(stage="stage_one", params={"seed": 1, "network": {"k": 2}}, tags={"a": "b"})


def test_write_record__read_back(tmp_path):
    plot = tmp_path / "plot.png"
    plot.write_bytes(b"picture")
    write_record(tmp_path / "r", facts=FACTS, rows=[Row(1, {"x": 0.5}, 1)], artifacts=[plot])
    record = read_record(tmp_path / "r")
    assert record.facts == FACTS
    assert [(row.step, row.values) for row in record.rows] == [(1, {"x": 0.5})]
    assert (record.artifacts / "plot.png").read_bytes() == b"picture"


def test_write_record__equal_runs_give_equal_bytes(tmp_path):
    for time_ms in (1, 2):
        write_record(tmp_path / str(time_ms), facts=FACTS, rows=[Row(1, {"x": 0.5}, time_ms)])
    assert sha256_folder(tmp_path / "1") == sha256_folder(tmp_path / "2")


def test_write_record__replaces_all_of_an_earlier_one(tmp_path):
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "left over").touch()
    write_record(tmp_path / "r", facts=FACTS, rows=[])
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == [
        "metrics.csv",
        "params.json",
        "run.json",
    ]


def test_write_record__missing_artifact_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"plot\.png"):
        write_record(tmp_path / "r", facts=FACTS, rows=[], artifacts=[tmp_path / "plot.png"])
    assert not (tmp_path / "r").exists()


def test_read_record__half_a_record_is_refused(tmp_path):
    write_record(tmp_path / "r", facts=FACTS, rows=[])
    (tmp_path / "r" / "params.json").unlink()
    with pytest.raises(StorageError, match="not a whole run record"):
        read_record(tmp_path / "r")


def test_find_records__only_folders_with_a_record(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("b", "a"):
        write_record(tmp_path / name, facts=FACTS, rows=[])
    assert [path.name for path in find_records(tmp_path)] == ["a", "b"]
