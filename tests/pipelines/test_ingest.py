import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from pipelines import events, tasks
from pipelines import ingest as module
from pipelines.dvc import StageFailedError
from ssvif.data.ingest import ingest
from ssvif.errors import CapturesError
from ssvif.params import load_params
from ssvif.retraining.journal import read_journal

DROP = Path("data/drop")

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server", "project", "stages")]


@pytest.fixture
def project(tmp_path, monkeypatch, street):
    """A project to which a complete delivery has come."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(street, DROP / "street--1")
    (DROP / "street--1/_COMPLETE").touch()


@pytest.fixture
def stages(monkeypatch):
    """Run the stage `ingest` here, and tell of a refusal as DVC's process does."""

    def reproduce(stage, **_):
        try:
            if stage == "ingest":
                ingest(load_params().ingest)
        except CapturesError as error:
            raise StageFailedError(stage, str(error), refused=True) from error

    monkeypatch.setattr(tasks, "reproduce", reproduce)


@pytest.fixture
def told(monkeypatch):
    """The names of events that were sent."""
    names = []
    monkeypatch.setattr(events, "post_event", lambda event, *_: names.append(event))
    return names


def write_params(**ingest):
    lines = [f"  {name}: {value}" for name, value in {"min_size": 64, **ingest}.items()]
    retraining = "retraining: {min_new_pairs: 1, debounce_seconds: 0.0}"
    Path("params.yaml").write_text("\n".join(["ingest:", *lines, retraining, ""]))


def test_ingest__a_delivery_of_bad_pairs_only_is_done_and_told_of(told, caplog):
    write_params(min_size=1000)
    module.ingest()
    assert "street--1: refused: " in caplog.text
    (entry,) = read_journal()
    assert (entry.state, entry.refused, entry.announced) == ("refused", {"too_small": 8}, True)
    assert told == [events.REFUSED]
    module.ingest()
    assert told == [events.REFUSED]


def test_ingest__what_another_dvc_recorded_unseen_is_ingested_all_the_same(
    told, monkeypatch, street
):
    write_params()
    for kind in ("vis", "ir"):
        Path("data/captures/earlier", kind).mkdir(parents=True)
        shutil.copy(street / kind / "00.png", f"data/captures/earlier/{kind}/00.png")
    ingest(load_params().ingest)

    def reproduce(stage, *, force=False, **_):
        if force:  # without, DVC finds nothing changed
            assert stage == "ingest"
            ingest(load_params().ingest)

    monkeypatch.setattr(tasks, "reproduce", reproduce)
    module.ingest()
    (entry,) = read_journal()
    assert (entry.state, entry.accepted, entry.refused) == ("ingested", 7, {"duplicate": 1})
    assert told == [events.ARRIVED, events.DUE]


def test_ingest__a_server_that_ends_with_the_run_is_told_nothing(told, caplog):
    write_params()
    module.ingest(tells=False)
    (entry,) = read_journal()
    assert (entry.state, entry.announced) == ("ingested", False)
    assert told == []
    assert "due: run `python -m pipelines.retrain`" in caplog.text
    module.ingest()
    assert told == [events.ARRIVED, events.DUE]


@pytest.mark.parametrize("address", [None, "http://rig/api"])
def test_main__tells_a_server_that_lasts(address, monkeypatch):
    called = []
    monkeypatch.setattr(module, "server_at_hand", nullcontext)
    monkeypatch.setattr(module, "ingest", lambda _, *, tells: called.append(tells))
    with temporary_settings({PREFECT_API_URL: address}):
        module.main("")
    assert called == [address is not None]
