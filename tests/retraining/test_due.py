import json
import platform

import pytest

from ssvif.data.manifest import MANIFEST_FILE, SCHEMA, manifest_table, write_manifest
from ssvif.errors import RetrainingError
from ssvif.fuse.places import CHAMPION
from ssvif.params import RetrainingParams
from ssvif.registry.pairs import PAIRS, write_pairs
from ssvif.retraining.due import is_due, mark_due_announced, new_pairs, withdraw_announcement
from ssvif.retraining.journal import JOURNAL, Entry, write_entry
from ssvif.tracking import process

PARAMS = RetrainingParams(min_new_pairs=3, debounce_seconds=60.0)


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def row(number, split="train"):
    numbers = dict.fromkeys(SCHEMA.columns, 0.5)
    texts = {
        "id": f"{number:016x}",
        "set": "street",
        "name": f"{number:02}",
        "vis_source": "",
        "ir_source": "",
        "vis_sha256": "0" * 64,
        "ir_sha256": "0" * 64,
        "light": "day",
        "split": split,
        "block": "0",
    }
    sizes = {"height": 128, "width": 128}
    flags = dict.fromkeys(("grey_visible", "resized", "has_mask", "has_boxes"), False)
    return {**numbers, **texts, **sizes, **flags}


def ingested(numbers, split="train"):
    write_manifest(MANIFEST_FILE, manifest_table([row(number, split) for number in numbers]))


def champion_of(numbers):
    ingested(numbers)
    write_pairs(CHAMPION / PAIRS, MANIFEST_FILE)


def arrived(at, state="ingested"):
    write_entry(Entry(name="street", set_name="street", fingerprint="", at=at, state=state))


def test_new_pairs__those_that_the_champion_did_not_learn_from():
    champion_of([0, 1])
    ingested([0, 1, 2, 3, 4])
    assert new_pairs() == 3


def test_new_pairs__a_held_out_pair_is_not_new():
    champion_of([0])
    ingested([1, 2], split="test")
    assert new_pairs() == 0


def test_new_pairs__without_a_champion_or_one_that_knows_its_pairs_all_are():
    ingested([0, 1])
    assert new_pairs() == 2
    CHAMPION.mkdir(parents=True)
    assert new_pairs() == 2


def test_new_pairs__before_the_first_manifest_there_are_none():
    assert new_pairs() == 0


def test_is_due__from_the_threshold_on():
    champion_of([0])
    ingested([0, 1, 2])
    assert not is_due(PARAMS).is_due
    ingested([0, 1, 2, 3])
    due = is_due(PARAMS)
    assert due.is_due
    assert due.sentence == "3 new pairs wait for a retraining, 3 make it due now"


def test_is_due__not_while_further_deliveries_may_follow():
    ingested([1, 2, 3])
    arrived(at=1000.0)
    early, late = (is_due(PARAMS, now=now) for now in (1059.0, 1060.0))
    assert not early.is_due
    assert early.sentence.endswith("further deliveries are awaited for 1 s")
    assert late.is_due


def test_is_due__a_clock_that_was_set_back_delays_nothing():
    ingested([1, 2, 3])
    arrived(at=9e9)
    assert is_due(PARAMS, now=1000.0).is_due
    mark_due_announced(is_due(PARAMS, now=9e9), now=9e9)
    assert is_due(PARAMS, now=1000.0).is_due


@pytest.mark.parametrize("state", ["refused", "known"])
def test_is_due__deliveries_that_bring_nothing_are_not_waited_for(state):
    ingested([1, 2, 3])
    arrived(at=1000.0, state=state)
    assert is_due(PARAMS, now=1000.0).is_due


def test_is_due__once_for_the_same_pairs():
    ingested([1, 2, 3])
    mark_due_announced(is_due(PARAMS))
    due = is_due(PARAMS)
    assert (due.is_due, due.new_pairs, due.waiting) == (False, 3, 0)
    ingested([1, 2, 3, 4, 5])
    assert not is_due(PARAMS).is_due
    ingested([1, 2, 3, 4, 5, 6])
    assert is_due(PARAMS).is_due


def test_is_due__once_more_after_a_day_in_case_that_the_retraining_failed():
    ingested([1, 2, 3])
    mark_due_announced(is_due(PARAMS, now=5000.0), now=5000.0)
    assert not is_due(PARAMS, now=5000.0 + 86_399.0).is_due
    assert is_due(PARAMS, now=5000.0 + 86_400.0).is_due


@pytest.fixture
def restart(tmp_path, monkeypatch):
    """Start this machine, or let it be another one."""

    def start(boot, machine="rig"):
        (tmp_path / "boot_id").write_text(boot)
        monkeypatch.setattr(process, "_BOOT_ID", tmp_path / "boot_id")
        monkeypatch.setattr(platform, "node", lambda: machine)

    return start


def test_is_due__once_more_when_the_machine_was_started_anew(restart):
    restart("first")
    ingested([1, 2, 3])
    mark_due_announced(is_due(PARAMS))
    assert not is_due(PARAMS).is_due
    restart("second")
    assert is_due(PARAMS).is_due
    mark_due_announced(is_due(PARAMS))
    assert not is_due(PARAMS).is_due


def test_is_due__a_watcher_on_another_machine_goes_by_what_was_announced(restart):
    restart("first")
    ingested([1, 2, 3])
    mark_due_announced(is_due(PARAMS))
    restart("its own", machine="another")
    assert not is_due(PARAMS).is_due


def test_is_due__what_an_earlier_release_announced_counts_for_its_day():
    ingested([1, 2, 3])
    mark_due_announced(is_due(PARAMS))
    path = JOURNAL / ".announced.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({key: content[key] for key in ("at", "ids")}))
    assert not is_due(PARAMS).is_due


def test_withdraw_announcement__what_did_not_take_place_is_due_again(tmp_path):
    ingested([1, 2, 3])
    mark_due_announced(is_due(PARAMS))
    for _ in range(2):
        withdraw_announcement(tmp_path)
        assert is_due(PARAMS).is_due


def test_is_due__a_damaged_memory_is_named():
    ingested([1])
    JOURNAL.mkdir(parents=True)
    (JOURNAL / ".announced.json").write_text(json.dumps(3))
    with pytest.raises(RetrainingError, match="delete it, and a retraining may be announced"):
        is_due(PARAMS)
