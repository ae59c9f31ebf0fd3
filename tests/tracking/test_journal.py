import errno
import json
import logging
import math

import pytest

from ssvif.tracking.journal import FILE_NAME, Journal, Row, read_table, table


def test_append__read_back_by_the_next_process(tmp_path):
    Journal(tmp_path).append(3, {"loss": 0.1})
    (row,) = Journal(tmp_path).rows
    assert (row.step, row.values) == (3, {"loss": 0.1})


def test_append__nan_and_infinity_are_kept(tmp_path):
    Journal(tmp_path).append(1, {"a": math.nan, "b": math.inf})
    (row,) = Journal(tmp_path).rows
    assert math.isnan(row.values["a"])
    assert row.values["b"] == math.inf


def test_journal__a_line_cut_short_by_a_kill_is_dropped(tmp_path):
    Journal(tmp_path).append(1, {"a": 1.0})
    with (tmp_path / FILE_NAME).open("a") as stream:
        stream.write('{"step": 2, "val')
    again = Journal(tmp_path)
    again.append(2, {"a": 2.0})
    assert [row.step for row in Journal(tmp_path).rows] == [1, 2]


def test_rewind__later_rows_are_gone_from_the_file(tmp_path):
    journal = Journal(tmp_path)
    for step in range(5):
        journal.append(step, {"a": step})
    journal.rewind(2)
    lines = (tmp_path / FILE_NAME).read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [0, 1, 2]


def test_append__without_a_folder_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    journal = Journal(None)
    journal.append(1, {"a": 1.0})
    assert len(journal.rows) == 1
    assert list(tmp_path.iterdir()) == []


def test_append__a_file_that_cannot_be_written_warns_once(tmp_path, caplog):
    journal = Journal(tmp_path)
    (tmp_path / FILE_NAME).unlink()
    (tmp_path / FILE_NAME).mkdir()
    with caplog.at_level(logging.WARNING):
        journal.append(1, {"a": 1.0})
        journal.append(2, {"a": 2.0})
    assert len(caplog.records) == 1
    assert [row.step for row in journal.rows] == [1, 2]


def test_journal__a_disk_that_fails_stops_nothing(tmp_path, monkeypatch, caplog):
    def fail(*_arguments):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("ssvif.tracking.journal.write_text", fail)
    journal = Journal(tmp_path)
    journal.append(1, {"a": 1.0})
    assert len(journal.rows) == 1
    assert "kept in memory" in caplog.text


def test_table__one_line_a_step_and_sorted_columns():
    rows = [Row(2, {"b": 0.5}, 9), Row(1, {"a": 1.0}, 8), Row(2, {"a": 2.0, "b": 0.25}, 10)]
    assert table(rows) == "step,a,b\n1,1.0,\n2,2.0,0.25\n"


def test_read_table__inverts_table():
    rows = [Row(1, {"a": 0.1 + 0.2}, 5), Row(2, {"a": 1e-30, "b": -1.0}, 5)]
    assert read_table(table(rows), time_ms=5) == rows


@pytest.mark.parametrize("time_ms", [1, 2])
def test_table__times_leave_no_trace(time_ms):
    assert table([Row(1, {"a": 1.0}, time_ms)]) == "step,a\n1,1.0\n"
