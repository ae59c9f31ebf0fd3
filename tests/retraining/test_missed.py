from pathlib import Path

import pytest

from ssvif.data.ingest import ingest
from ssvif.params import IngestParams
from ssvif.retraining.inbox import missed, take_in, uncounted

DROP = Path("data/drop")


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_missed__a_delivery_of_which_ingest_has_seen_nothing(deliver):
    deliver("street--1", [0])
    take_in(DROP, 30.0)
    ingest(IngestParams(min_size=64))
    deliver("street--2", [1, 2])
    take_in(DROP, 30.0)
    seen, unseen = uncounted()
    assert missed([seen, unseen]) == [unseen]
    for source in unseen.sources:
        Path(source).unlink()
    assert missed([seen, unseen]) == []  # nor is there anything to see


@pytest.mark.parametrize("limits", [{"min_size": 64}, {"min_size": 64, "duplicate_below": 255.0}])
def test_missed__accepted_or_refused_is_seen(deliver, limits):
    deliver("street--1", [0, 1])
    take_in(DROP, 30.0)
    deliver("street--2", [2])
    take_in(DROP, 30.0)
    ingest(IngestParams(**limits))
    assert missed(uncounted()) == []
