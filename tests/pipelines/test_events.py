import httpx
import pytest

from pipelines import events
from ssvif.retraining.due import Due
from ssvif.retraining.inbox import count_pairs
from ssvif.retraining.journal import Entry, write_entry


class Server:
    """What an event is posted to."""

    def __init__(self):
        self.posted = []
        self.answers = True

    def request(self, method, path, *, json):
        request = httpx.Request(method, f"http://rig{path}")
        self.posted += json
        return httpx.Response(204 if self.answers else 503, request=request)


@pytest.fixture(autouse=True)
def server(tmp_path, monkeypatch, stand_in):
    monkeypatch.chdir(tmp_path)
    return stand_in(events, Server())


def delivered(**kinds):
    entry = Entry(**{"name": "a--1", "set_name": "a", "fingerprint": "", "at": 0.0, **kinds})
    write_entry(entry)
    return entry


def test_tell_of_delivery__says_what_became_of_its_pairs(server):
    entry = delivered(state="ingested", accepted=3, refused={"missing_half": 2})
    events.tell_of_delivery(entry, "ssvif")
    (event,) = server.posted
    assert event["event"] == "ssvif.captures.arrived"
    assert event["resource"] == {
        "prefect.resource.id": "ssvif.delivery.a--1",
        "prefect.resource.name": "delivery a--1",
    }
    assert event["payload"] == {
        "model": "ssvif",
        "delivery": "a--1",
        "set": "a",
        "accepted": 3,
        "refused": 2,
        "reasons": {"missing_half": 2},
        "new_pairs": 0,
        "sentence": "3 pairs accepted, 2 in quarantine (missing_half 2)",
    }
    assert count_pairs([]) == []


def test_tell_of_delivery__a_refusal_is_an_event_of_its_own(server):
    events.tell_of_delivery(delivered(state="refused", reason="no pairs"), "ssvif")
    assert server.posted[0]["event"] == "ssvif.captures.refused"
    assert server.posted[0]["payload"]["sentence"] == "refused: no pairs"


def test_tell_of_delivery__what_the_server_does_not_take_is_told_again(server):
    entry = delivered(state="ingested")
    server.answers = False
    with pytest.raises(httpx.HTTPStatusError):
        events.tell_of_delivery(entry, "ssvif")
    assert count_pairs([]) == [entry]


def test_announce_retraining__is_about_the_model(server):
    due = Due(new_pairs=5, waiting=4, threshold=3, quiet_in=0.0, ids=frozenset({"0"}))
    events.announce_retraining(due, "ssvif")
    (event,) = server.posted
    assert event["event"] == "ssvif.retraining.due"
    assert event["resource"]["prefect.resource.id"] == "ssvif.model.ssvif"
    assert event["payload"]["waiting"] == 4
    assert event["related"] == []
