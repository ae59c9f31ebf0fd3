import os
import time

import pytest

from ssvif.errors import RetrainingError
from ssvif.retraining import deliveries as module
from ssvif.retraining.deliveries import MARKER, REFUSAL, find_deliveries


@pytest.fixture
def drop(tmp_path):
    """A drop folder with one delivery, whose one file lies in a folder of its own."""
    file = tmp_path / "drop/street--monday/vis/0.png"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"zero")
    return tmp_path / "drop"


def only(drop):
    (delivery,) = find_deliveries(drop)
    return delivery


def test_find_deliveries__a_folder_is_a_delivery_of_the_set_it_names(drop):
    delivery = only(drop)
    assert (delivery.name, delivery.set_name) == ("street--monday", "street")
    assert delivery.files == ("vis/0.png",)
    assert delivery.fault is None


def test_find_deliveries__without_a_suffix_the_name_is_the_sets(drop):
    (drop / "street--monday").rename(drop / "street")
    assert only(drop).set_name == "street"


def test_find_deliveries__no_folder_holds_no_deliveries(tmp_path):
    assert find_deliveries(tmp_path / "drop") == []


def test_find_deliveries__a_file_instead_of_a_folder_is_refused(tmp_path):
    (tmp_path / "drop").write_text("")
    with pytest.raises(RetrainingError, match=r"check retraining\.drop"):
        find_deliveries(tmp_path / "drop")


def test_find_deliveries__hidden_folders_and_loose_files_are_no_deliveries(drop):
    (drop / ".part-x").mkdir()
    (drop / "notes.txt").write_text("")
    assert len(find_deliveries(drop)) == 1


def test_find_deliveries__marks_and_hidden_files_are_not_delivered(drop):
    before = only(drop)
    for name in (MARKER, REFUSAL, "vis/.0.png.part"):
        (drop / "street--monday" / name).write_text("")
    after = only(drop)
    assert after.files == before.files
    assert after.fingerprint == before.fingerprint
    assert after.is_marked
    assert not before.is_marked


@pytest.mark.parametrize("target", ["vis/0.png", "/etc/hostname", "nowhere"])
def test_find_deliveries__a_link_within_is_a_fault_wherever_it_leads(drop, target):
    (drop / "street--monday/vis/1.png").symlink_to(target)
    delivery = only(drop)
    assert delivery.fault == ("vis/1.png is a link or no plain file; deliver the files themselves")


def test_find_deliveries__a_linked_folder_is_not_walked(drop, tmp_path):
    (drop / "street--monday/more").symlink_to(tmp_path)
    delivery = only(drop)
    assert delivery.files == ("vis/0.png",)
    assert delivery.fault.startswith("more is a link")


def test_find_deliveries__a_link_in_the_place_of_a_delivery_is_a_fault(drop, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (drop / "other").symlink_to(tmp_path / "elsewhere")
    linked = find_deliveries(drop)[0]
    assert linked.fault.startswith("other is a link")
    assert linked.files == ()


def test_find_deliveries__a_pipe_is_a_fault(drop):
    os.mkfifo(drop / "street--monday/vis/1.png")
    assert only(drop).fault.startswith("vis/1.png is a link or no plain file")


def test_find_deliveries__a_link_to_itself_is_a_fault_and_hides_no_other(drop):
    (drop / "loop").symlink_to("loop")
    (drop / "street--monday/vis/loop").symlink_to("loop")
    top, within = find_deliveries(drop)
    assert top.fault.startswith("loop is a link")
    assert within.fault.startswith("vis/loop is a link")


@pytest.mark.parametrize("name", [b"vis/\xff.txt", b"\xff", b"vis/" + b"x" * 201])
def test_find_deliveries__a_name_that_cannot_be_written_down_is_a_fault(drop, name):
    path = os.fsencode(drop / "street--monday") + b"/" + name
    os.close(os.open(path, os.O_CREAT))
    shown = ascii(os.fsdecode(name))[1:-1][:80]
    assert only(drop).fault.startswith(f"{shown} cannot be kept as a name; rename it")


@pytest.mark.parametrize("name", [b"lane--\xff", b"lane--" + b"x" * 240])
def test_find_deliveries__a_delivery_without_a_name_to_keep_is_given_one(drop, name):
    (drop / os.fsdecode(name)).mkdir()
    nameless = find_deliveries(drop)[0]
    assert nameless.fault.startswith("lane--")
    assert nameless.name.startswith("lane--")
    assert len(nameless.name.encode()) < 100
    (drop / "lane--\\udcff").mkdir()
    assert len({delivery.name for delivery in find_deliveries(drop)}) == 3


def test_find_deliveries__folders_too_deep_to_be_read_are_a_fault(drop):
    drop.joinpath("street--monday", *["a"] * 33).mkdir(parents=True)
    assert "lies too deep; deliver at most 32 folders" in only(drop).fault
    drop.joinpath("street--monday", *["a"] * 33).rmdir()
    assert only(drop).fault is None


def test_find_deliveries__a_file_that_cannot_be_read_is_a_fault_until_it_can(drop, monkeypatch):
    readable = only(drop)
    (drop / "street--monday/vis/.1.png.part").write_bytes(b"of another user")
    shut = {"0.png", ".1.png.part"}
    monkeypatch.setattr(module.os, "access", lambda path, _: path.name not in shut)
    assert only(drop).fault == "vis/0.png cannot be read (Permission denied); check its rights"
    assert only(drop).fingerprint != readable.fingerprint
    shut.remove("0.png")
    assert only(drop).fingerprint == readable.fingerprint


def test_find_deliveries__another_content_or_name_changes_the_fingerprint(drop):
    prints = {only(drop).fingerprint}
    file = drop / "street--monday/vis/0.png"
    file.write_bytes(b"longer")
    prints.add(only(drop).fingerprint)
    file.rename(file.with_name("1.png"))
    prints.add(only(drop).fingerprint)
    assert len(prints) == 3


def test_is_complete__quiet_for_long_enough_and_not_a_second_less(drop):
    delivery = only(drop)
    assert not delivery.is_complete(30.0)
    assert not delivery.is_complete(30.0, now=delivery.changed + 29.9)
    assert delivery.is_complete(30.0, now=delivery.changed + 30.0)


def test_is_complete__old_files_that_were_just_copied_are_not_quiet(drop):
    os.utime(drop / "street--monday/vis/0.png", (0.0, 0.0))
    assert only(drop).changed > time.time() - 600.0


def test_is_complete__a_file_that_is_still_written_under_a_hidden_name_counts(drop):
    before = only(drop).changed
    os.utime(drop / "street--monday/vis")  # as writing a file there does, a moment later
    (drop / "street--monday/vis/.1.png.part").write_bytes(b"on")
    assert only(drop).changed >= before
    assert not only(drop).is_complete(30.0)


def test_is_complete__the_marker_ends_the_wait(drop):
    (drop / "street--monday" / MARKER).write_text("")
    assert only(drop).is_complete(1e9)


def test_is_complete__an_empty_folder_is_waited_for(tmp_path):
    (tmp_path / "drop/street").mkdir(parents=True)
    delivery = only(tmp_path / "drop")
    assert not delivery.is_complete(30.0, now=delivery.changed + 1e9)


def test_content_hash__says_set_names_and_bytes_and_no_more(drop):
    first = only(drop)
    content = first.content_hash()
    os.utime(drop / "street--monday/vis/0.png", (5.0, 5.0))
    (drop / "street--monday").rename(drop / "street--tuesday")
    again = only(drop)
    assert again.fingerprint != first.fingerprint
    assert again.content_hash() == content
    (drop / "street--tuesday").rename(drop / "lane--tuesday")
    assert only(drop).content_hash() != content


def test_content_hash__a_file_that_is_gone_is_named(drop):
    delivery = only(drop)
    (drop / "street--monday/vis/0.png").unlink()
    with pytest.raises(RetrainingError, match=r"0\.png: cannot be read \(No such file"):
        delivery.content_hash()
