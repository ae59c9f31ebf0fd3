from pathlib import Path

import fsspec
import pytest

from ssvif.params import RetrainingParams
from ssvif.retraining import watching as module
from ssvif.retraining.deliveries import MARKER
from ssvif.retraining.due import Due
from ssvif.retraining.journal import Entry, write_entry
from ssvif.retraining.watching import reason_to_ingest

PARAMS = RetrainingParams(quiet_seconds=30.0)
DROP = Path("data/drop")


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def deliver(*names):
    for name in names:
        (DROP / name).mkdir(parents=True)
        (DROP / name / MARKER).touch()


def test_reason_to_ingest__nothing_to_do():
    assert reason_to_ingest(str(DROP), PARAMS) == ""


def test_reason_to_ingest__names_what_arrived():
    deliver("a--2", "a--1")
    (DROP / "b").mkdir()
    assert reason_to_ingest(str(DROP), PARAMS) == "a--1, a--2 arrived"


def test_reason_to_ingest__many_names_are_counted():
    deliver(*(f"a--{number}" for number in range(5)))
    assert reason_to_ingest(str(DROP), PARAMS) == "a--0, a--1, a--2 and 2 more arrived"


def test_reason_to_ingest__what_was_cut_off_is_gone_on_with():
    write_entry(Entry(name="a", set_name="a", fingerprint="", at=0.0, state="taken"))
    assert reason_to_ingest(str(DROP), PARAMS) == "an earlier run was cut off"


def test_reason_to_ingest__when_a_retraining_is_due(monkeypatch):
    due = Due(new_pairs=3, waiting=3, threshold=3, quiet_in=0.0, ids=frozenset())
    monkeypatch.setattr(module, "is_due", lambda *_, **__: due)
    assert reason_to_ingest(str(DROP), PARAMS) == "a retraining is due"


def test_reason_to_ingest__in_a_bucket():
    bucket = fsspec.filesystem("memory")
    try:
        bucket.pipe_file(f"/watched/a--1/{MARKER}", b"")
        assert reason_to_ingest("memory://watched", PARAMS) == "a--1 arrived"
    finally:
        bucket.store.clear()
