import os
import shutil
from pathlib import Path

import pytest

from ssvif.data.ingest import ingest
from ssvif.errors import CapturesError, RetrainingError
from ssvif.params import IngestParams
from ssvif.retraining import inbox as module
from ssvif.retraining.deliveries import REFUSAL
from ssvif.retraining.inbox import (
    awaited,
    count_pairs,
    mark_announced,
    take_in,
    uncounted,
    verdict_of,
)
from ssvif.retraining.journal import JOURNAL, read_journal

DROP = Path("data/drop")


@pytest.fixture(autouse=True)
def _project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def _file(name, kind, number):
    return DROP / name / kind / f"{number:02}.png"


def states(entries):
    return {entry.name: entry.state for entry in entries}


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def test_take_in__several_deliveries_feed_one_set(deliver):
    deliver("street--1", [0, 1])
    deliver("street--2", [2])
    entries = take_in(DROP, 30.0)
    assert states(entries) == {"street--1": "taken", "street--2": "taken"}
    assert sorted(path.name for path in Path("data/captures/street/vis").iterdir()) == [
        "00.png",
        "01.png",
        "02.png",
    ]
    assert [entry.new_files for entry in entries] == [4, 2]
    assert read_journal() == entries


def test_take_in__a_delivery_without_marker_is_taken_when_it_was_quiet(deliver):
    folder = deliver("street", [0], marked=False)
    assert take_in(DROP, 30.0) == []
    assert states(take_in(DROP, 30.0, now=folder.stat().st_ctime + 31.0)) == {"street": "taken"}


def test_take_in__again_finds_nothing_to_do(deliver):
    deliver("street", [0])
    take_in(DROP, 30.0)
    before = files("data")
    assert take_in(DROP, 30.0) == []
    assert awaited(DROP, 30.0) == []
    assert files("data") == before


def test_take_in__more_files_in_a_delivery_are_brought_later(deliver):
    deliver("street", [0])
    take_in(DROP, 30.0)
    deliver("street", [1])
    (entry,) = take_in(DROP, 30.0)
    assert (entry.state, entry.new_files) == ("taken", 2)
    assert len(entry.sources) == 4


def test_take_in__another_file_of_the_same_name_is_refused_and_nothing_is_lost(deliver):
    deliver("street--1", [0])
    take_in(DROP, 30.0)
    folder = deliver("street--2", [1])
    shutil.copyfile(_file("street--2", "vis", 1), _file("street--2", "vis", 0))
    shutil.copyfile(_file("street--2", "ir", 1), _file("street--2", "ir", 0))
    before = files("data/captures")
    (entry,) = take_in(DROP, 30.0)
    assert entry.state == "refused"
    assert "the set has another file of this name" in entry.reason
    assert (folder / REFUSAL).read_text() == f"{entry.reason}\n"
    assert files("data/captures") == before


def _no_pairs(folder):
    shutil.rmtree(folder / "ir")


def _linked(folder):
    (folder / "ir/99.png").symlink_to("/etc/hostname")


def _illegible(folder):
    os.close(os.open(os.fsencode(folder / "ir") + b"/\xff.txt", os.O_CREAT))


def _no_images(folder):
    shutil.rmtree(folder / "vis")
    shutil.rmtree(folder / "ir")
    (folder / "readme.md").write_text("nothing here")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_no_pairs, "none has its other half"),
        (_linked, "is a link or no plain file"),
        (_illegible, "\\udcff.txt cannot be kept as a name"),
        (_no_images, "no visible and infrared images found"),
    ],
)
def test_take_in__a_bad_delivery_is_refused_and_stops_no_other(deliver, spoil, reason):
    spoil(deliver("a--bad", [0]))
    deliver("b--good", [1])
    refused, taken = take_in(DROP, 30.0)
    assert (refused.name, refused.state, taken.state) == ("a--bad", "refused", "taken")
    assert reason in refused.reason
    assert not Path("data/captures/a").exists()
    assert read_journal() == [refused, taken]


@pytest.mark.parametrize("name", [b"a--\xff", b"a--" + b"x" * 248])
def test_take_in__a_delivery_without_a_name_to_keep_stops_no_other(deliver, name):
    deliver("b--good", [1])
    deliver("a--bad", [0]).rename(DROP / os.fsdecode(name))
    refused, taken = take_in(DROP, 30.0)
    assert (refused.state, taken.state) == ("refused", "taken")
    assert "cannot be kept as a name" in (DROP / os.fsdecode(name) / REFUSAL).read_text()
    assert read_journal() == [refused, taken]
    assert take_in(DROP, 30.0) == []


def test_take_in__a_name_that_is_no_sets_is_refused(deliver):
    deliver("--tuesday", [0])
    (entry,) = take_in(DROP, 30.0)
    assert entry.reason.startswith("--tuesday: '' cannot name a set")


def test_take_in__a_refusal_is_not_written_through_a_link(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    DROP.mkdir(parents=True)
    (DROP / "street").symlink_to(tmp_path / "elsewhere")
    (entry,) = take_in(DROP, 0.0)
    assert entry.state == "refused"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_take_in__a_mended_delivery_is_taken_and_its_note_removed(deliver):
    folder = deliver("street", [0])
    _no_pairs(folder)
    take_in(DROP, 30.0)
    assert (folder / REFUSAL).is_file()
    deliver("street", [0])
    assert states(take_in(DROP, 30.0)) == {"street": "taken"}
    assert not (folder / REFUSAL).exists()


def test_take_in__the_same_files_in_another_folder_are_known(deliver):
    deliver("street--1", [0])
    take_in(DROP, 30.0)
    deliver("street--2", [0])
    (entry,) = take_in(DROP, 30.0)
    assert (entry.state, entry.reason) == ("known", "the same files as street--1")


def test_take_in__the_same_files_delivered_anew_stay_what_they_were(deliver):
    folder = deliver("street", [0])
    take_in(DROP, 30.0)
    ingest(IngestParams(min_size=64))
    (counted,) = count_pairs(uncounted())
    mark_announced(counted)
    shutil.rmtree(folder)
    deliver("street", [0])
    (entry,) = take_in(DROP, 30.0)
    assert (entry.state, entry.announced) == ("ingested", True)
    assert take_in(DROP, 30.0) == []
    assert count_pairs(uncounted()) == []


@pytest.mark.parametrize("moment", ["before", "after"])
def test_take_in__killed_and_run_again_ends_the_same(deliver, monkeypatch, moment):
    deliver("street--1", [0, 1])
    deliver("street--2", [2, 3])
    real = module.add_captures

    def killed(folder, **kinds):
        if folder.name == "street--2":
            if moment == "after":
                real(folder, **kinds)
            raise KeyboardInterrupt
        return real(folder, **kinds)

    monkeypatch.setattr(module, "add_captures", killed)
    with pytest.raises(KeyboardInterrupt):
        take_in(DROP, 30.0)
    assert states(read_journal()) == {"street--1": "taken"}
    monkeypatch.setattr(module, "add_captures", real)
    assert states(take_in(DROP, 30.0)) == {"street--2": "taken"}
    assert len(files("data/captures/street/vis")) == 4
    ingest(IngestParams(min_size=64))
    assert [entry.accepted + entry.refused_pairs for entry in count_pairs(uncounted())] == [2, 2]


def test_count_pairs__accepted_and_refused_are_told_apart(deliver):
    deliver("street--1", [0, 1])
    folder = deliver("street--2", [2, 3, 4])
    # One pair is the other's modality, one a half whose other half came with it.
    shutil.copyfile(_file("street--2", "vis", 3), _file("street--2", "ir", 3))
    (folder / "ir/04.png").unlink()
    take_in(DROP, 30.0)
    ingest(IngestParams(min_size=64))
    first, second = count_pairs(uncounted())
    assert (first.state, first.accepted, first.refused) == ("ingested", 2, {})
    assert second.accepted == 1
    assert second.refused["missing_half"] == 1
    assert second.refused_pairs == 2
    assert second.sentence.startswith("1 pair accepted, 2 in quarantine (")


@pytest.mark.parametrize("name", ["test", "Train"])
def test_count_pairs__of_a_delivery_that_is_called_as_a_split(deliver, name):
    deliver(name, [0, 1])
    take_in(DROP, 30.0)
    ingest(IngestParams(min_size=64))
    assert [entry.accepted for entry in count_pairs(uncounted())] == [2]


def test_count_pairs__what_was_taken_in_after_ingest_had_run_waits_for_its_own(deliver):
    deliver("street--1", [0])
    take_in(DROP, 30.0)
    first = uncounted()
    ingest(IngestParams(min_size=64))
    deliver("street--2", [1])
    (late,) = take_in(DROP, 30.0)
    assert [(entry.name, entry.accepted) for entry in count_pairs(first)] == [("street--1", 1)]
    assert uncounted() == [late]
    ingest(IngestParams(min_size=64))
    assert [entry.accepted for entry in count_pairs([late])] == [1, 1]


def test_count_pairs__of_a_delivery_that_was_taken_in_anew_since(deliver):
    deliver("street", [0])
    take_in(DROP, 30.0)
    first = uncounted()
    ingest(IngestParams(min_size=64))
    deliver("street", [1])
    again = take_in(DROP, 30.0)
    assert count_pairs(first) == []
    assert uncounted() == again


def test_mark_announced__not_of_a_delivery_that_was_taken_in_anew_since(deliver):
    deliver("street", [0])
    take_in(DROP, 30.0)
    ingest(IngestParams(min_size=64))
    (told,) = count_pairs(uncounted())
    deliver("street", [1])
    again = take_in(DROP, 30.0)
    mark_announced(told)
    assert uncounted() == again


def _refusal():
    with pytest.raises(CapturesError) as refusal:
        ingest(IngestParams(min_size=1000))
    return f"ingest: {refusal.value}"


def test_count_pairs__not_one_pair_of_any_delivery_was_accepted(deliver):
    deliver("street", [0, 1])
    take_in(DROP, 30.0)
    (entry,) = count_pairs(uncounted(), verdict=verdict_of(_refusal()))
    assert entry.state == "refused"
    assert entry.reason.startswith("none of 2 captures was accepted, for one: 128x128 is below")
    assert (entry.accepted, entry.refused) == (0, {"too_small": 2})
    assert uncounted() == []


def test_verdict_of__sets_that_are_refused_as_a_whole(deliver):
    deliver("street", [0])
    take_in(DROP, 30.0)
    Path("data/captures/street/set.yaml").write_text("layout: [")
    assert verdict_of(_refusal()).startswith("all sets were refused")


def test_verdict_of__another_failure_is_no_verdict_on_what_was_delivered():
    assert verdict_of("ingest: data/pairs: the disk is full; free some space") == ""


def test_count_pairs__told_until_it_was_announced(deliver):
    deliver("street", [0])
    take_in(DROP, 30.0)
    ingest(IngestParams(min_size=64))
    (entry,) = count_pairs(uncounted())
    assert count_pairs(uncounted()) == [entry]
    mark_announced(entry)
    assert count_pairs(uncounted()) == []


def test_count_pairs__a_refused_delivery_is_told_without_a_manifest(deliver):
    _no_pairs(deliver("street", [0]))
    take_in(DROP, 30.0)
    assert states(count_pairs(uncounted())) == {"street": "refused"}


def test_read_journal__a_damaged_entry_is_named():
    JOURNAL.mkdir(parents=True)
    (JOURNAL / "street.json").write_text('{"name": "street"}')
    with pytest.raises(RetrainingError, match=r"street\.json: .*delete it, and the delivery"):
        read_journal()
