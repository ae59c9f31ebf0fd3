import errno
import os
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from ssvif.data import captures as module
from ssvif.data.captures import add_captures, list_captures
from ssvif.data.ingest import ingest
from ssvif.data.sets import SetInfo, read_set_info, write_set_info
from ssvif.errors import CapturesError, StorageError
from ssvif.params import IngestParams


def _contents(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def inbox(tmp_path):
    return tmp_path / "project" / "captures"


def test_add_captures__links_and_leaves_the_folder_alone(tmp_path, inbox, save_pairs):
    folder = save_pairs(tmp_path / "rig", 2)
    (folder / "vis" / "000.png").chmod(0o640)
    before = {path: path.stat().st_mode for path in folder.rglob("*")}
    added = add_captures(folder, inbox=inbox)
    assert (added.name, added.layout, added.pairs, added.new_files) == ("rig", "plain", 2, 4)
    assert (inbox / "rig/vis/000.png").samefile(folder / "vis/000.png")
    assert {path: path.stat().st_mode for path in folder.rglob("*")} == before


def test_add_captures__copies_where_links_cannot_be(tmp_path, inbox, save_pairs, monkeypatch):
    def no_links(*_args):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    folder = save_pairs(tmp_path / "rig", 1)
    add_captures(folder, inbox=inbox)
    copy = inbox / "rig/vis/000.png"
    assert not copy.samefile(folder / "vis/000.png")
    assert copy.read_bytes() == (folder / "vis/000.png").read_bytes()


def test_add_captures__a_file_that_cannot_be_read_is_named(
    tmp_path, inbox, save_pairs, monkeypatch
):
    def cannot(*_args):
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "hardlink_to", cannot)
    monkeypatch.setattr("shutil.copyfile", cannot)
    with pytest.raises(CapturesError, match=r"rig/.*\.png: cannot be read \(Permission denied\)"):
        add_captures(save_pairs(tmp_path / "rig", 1), inbox=inbox)


def test_add_captures__what_came_there_meanwhile_is_not_replaced(
    tmp_path, inbox, save_pairs, monkeypatch
):
    folder = save_pairs(tmp_path / "rig", 1)
    link = Path.hardlink_to

    def late(target, source):
        target.write_text("somebody else's")
        link(target, source)

    monkeypatch.setattr(Path, "hardlink_to", late)
    with pytest.raises(CapturesError, match="came there meanwhile"):
        add_captures(folder, inbox=inbox)
    (found,) = (path for path in (inbox / "rig").rglob("*.png"))
    assert found.read_text() == "somebody else's"


def test_add_captures__one_process_at_a_time(tmp_path, inbox, save_pairs, monkeypatch):
    monkeypatch.setattr(module, "_LOCK_SECONDS", 0.0)
    inbox.parent.mkdir()
    with (
        FileLock(inbox.parent / ".captures.lock"),
        pytest.raises(CapturesError, match="another process has brought captures in"),
    ):
        add_captures(save_pairs(tmp_path / "rig", 1), inbox=inbox)
    assert not inbox.exists()


def test_add_captures__deep_infrared_that_comes_later_leaves_the_users_classes(
    tmp_path, inbox, save, make_pair
):
    vis, ir = make_pair()
    classes = ("background", "pipe")
    write_set_info(inbox / "rig", SetInfo(layout="plain", classes=classes, box_classes=("pump",)))
    save(tmp_path / "rig/vis/0.png", vis)
    save(tmp_path / "rig/ir/0.png", ir.astype(np.uint16) * 100)
    add_captures(tmp_path / "rig", inbox=inbox)
    info = read_set_info(inbox / "rig")
    assert (info.classes, info.box_classes) == (classes, ("pump",))
    assert info.infrared_range is not None


def test_add_captures__a_linked_folder_is_named(tmp_path, inbox, save_pairs):
    folder = save_pairs(tmp_path / "rig", 1)
    (folder / "night").symlink_to(save_pairs(tmp_path / "elsewhere", 2))
    added = add_captures(folder, inbox=inbox)
    assert added.pairs == 1
    assert added.left_out == ("night is a link to a folder; put the folder itself there",)


def test_add_captures__a_folder_that_cannot_be_read_is_refused(
    tmp_path, inbox, save_pairs, monkeypatch
):
    folder = save_pairs(tmp_path / "rig", 1)
    (folder / "night").mkdir()
    scan = os.scandir

    def scandir(path):
        if Path(path).name == "night":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(CapturesError, match=r"rig/night: cannot be read \(Permission denied\)"):
        add_captures(folder, inbox=inbox)
    assert not inbox.exists()


def test_add_captures__only_new_files_the_second_time(tmp_path, inbox, save_pairs):
    folder = save_pairs(tmp_path / "rig", 2)
    add_captures(folder, inbox=inbox)
    settings = (inbox / "rig/set.yaml").stat()
    save_pairs(folder, 1, first=2)
    assert add_captures(folder, inbox=inbox).new_files == 2
    assert add_captures(folder, inbox=inbox).new_files == 0
    assert (inbox / "rig/set.yaml").stat().st_mtime_ns == settings.st_mtime_ns


def test_add_captures__other_content_of_the_same_name(tmp_path, inbox, save_pairs):
    add_captures(save_pairs(tmp_path / "a" / "rig", 1), inbox=inbox)
    other = save_pairs(tmp_path / "b" / "rig", 2)
    (other / "vis/001.png").rename(other / "vis/000.png")
    before = _contents(inbox)
    with pytest.raises(CapturesError, match=r"vis/000\.png.*to replace it, delete it there"):
        add_captures(other, inbox=inbox)
    assert _contents(inbox) == before


def test_add_captures__train_and_test_of_one_set(tmp_path, inbox, save_pairs):
    add_captures(save_pairs(tmp_path / "msrs/train", 2), inbox=inbox)
    add_captures(save_pairs(tmp_path / "msrs/test", 2, first=1), inbox=inbox, name="msrs")
    [summary] = list_captures(inbox)
    assert (summary.name, summary.pairs) == ("msrs", 4)
    assert "test/vis/001.png" in _contents(inbox / "msrs")


def test_add_captures__list_files_come_too(tmp_path, inbox, save, make_pair):
    vis, ir = make_pair()
    save(tmp_path / "mf/images/1D.png", np.dstack([vis, ir]))
    (tmp_path / "mf/train.txt").write_text("1D\n")
    (tmp_path / "mf/notes.txt").write_text("mine")
    assert add_captures(tmp_path / "mf", inbox=inbox).layout == "mfnet"
    assert _contents(inbox / "mf") == {"images/1D.png", "train.txt", "set.yaml", "arrivals.txt"}


def test_add_captures__records_the_range_of_deep_infrared(tmp_path, inbox, save, save_pairs):
    folder = save_pairs(tmp_path / "rig", 2)
    for number, level in ((0, 7000), (1, 9000)):
        save(folder / f"ir/{number:03}.png", np.full((144, 192), level, np.uint16))
    add_captures(folder, inbox=inbox)
    assert read_set_info(inbox / "rig").infrared_range == (7000.0, 9000.0)


def test_add_captures__missing_halves_are_counted(tmp_path, inbox, save_pairs):
    folder = save_pairs(tmp_path / "rig", 3)
    (folder / "ir/002.png").unlink()
    added = add_captures(folder, inbox=inbox)
    assert (added.pairs, added.halves) == (2, 1)


NO_NAMES = ["quarantine.jsonl", "a b", "../up", "", ".hidden", "a/b", "ümlaut"]


@pytest.mark.parametrize("name", NO_NAMES)
def test_add_captures__names_that_cannot_be(tmp_path, inbox, save_pairs, name):
    folder = save_pairs(tmp_path / "bad name", 1)
    with pytest.raises(CapturesError, match="--name"):
        add_captures(folder, inbox=inbox, name=name)
    assert not inbox.exists()


def test_add_captures__no_such_folder(tmp_path, inbox):
    with pytest.raises(CapturesError, match="no such folder"):
        add_captures(tmp_path / "nowhere", inbox=inbox)


def test_add_captures__empty_folder(tmp_path, inbox):
    (tmp_path / "rig").mkdir()
    with pytest.raises(CapturesError, match="no visible and infrared images"):
        add_captures(tmp_path / "rig", inbox=inbox)
    assert not inbox.exists()


def test_add_captures__halves_only(tmp_path, inbox, save_pairs):
    folder = save_pairs(tmp_path / "rig", 2)
    for path in (folder / "ir").iterdir():
        path.rename(path.with_name(f"other{path.name}"))
    with pytest.raises(CapturesError, match="none has its other half"):
        add_captures(folder, inbox=inbox)


def test_add_captures__later_deep_infrared_has_its_range_recorded(
    tmp_path, inbox, save, save_pairs
):
    folder = save_pairs(tmp_path / "rig", 1)
    add_captures(folder, inbox=inbox)
    assert read_set_info(inbox / "rig").infrared_range is None
    params = IngestParams(percentiles=(0.0, 100.0))
    for number, level in ((1, 7000), (2, 9000)):
        save_pairs(folder, 1, first=number)
        save(folder / f"ir/{number:03}.png", np.full((144, 192), level, np.uint16))
    add_captures(folder, inbox=inbox, params=params)
    assert read_set_info(inbox / "rig").infrared_range == (7000.0, 9000.0)
    save_pairs(folder, 1, first=3)
    save(folder / "ir/003.png", np.full((144, 192), 20000, np.uint16))
    add_captures(folder, inbox=inbox, params=params)
    assert read_set_info(inbox / "rig").infrared_range == (7000.0, 9000.0)


def test_add_captures__images_without_a_place_are_counted(tmp_path, inbox, save, save_pairs):
    folder = save_pairs(tmp_path / "rig", 2)
    save(folder / "calibration/board.png", np.zeros((8, 8), np.uint8))
    assert add_captures(folder, inbox=inbox).unread_images == 1


@pytest.mark.parametrize("above", [0, 1])
def test_add_captures__a_folder_that_holds_the_inbox(inbox, save_pairs, above):
    save_pairs(inbox / "rig", 1)
    before = _contents(inbox)
    with pytest.raises(CapturesError, match="holds the inbox"):
        add_captures([inbox, inbox.parent][above], inbox=inbox, name="all")
    assert _contents(inbox) == before


def test_add_captures__only_links_that_leave_the_folder(tmp_path, inbox, save_pairs):
    folder = save_pairs(tmp_path / "rig", 1)
    secret = save_pairs(tmp_path / "elsewhere", 1) / "vis/000.png"
    (folder / "vis/000.png").unlink()
    (folder / "vis/000.png").symlink_to(secret)
    with pytest.raises(CapturesError, match=r"000\.png is a link"):
        add_captures(folder, inbox=inbox)
    assert not inbox.exists()


def test_add_captures__links_that_lead_elsewhere_are_left_out(tmp_path, inbox, save_pairs):
    folder = save_pairs(tmp_path / "rig", 3)
    secret = save_pairs(tmp_path / "elsewhere", 1) / "vis/000.png"
    for name, target in (("001.png", secret), ("002.png", "002.png")):
        (folder / "vis" / name).unlink()
        (folder / "vis" / name).symlink_to(target)
    added = add_captures(folder, inbox=inbox)
    assert (added.pairs, added.new_files) == (1, 2)
    outside, nowhere = added.left_out
    assert outside.startswith("001: 001.png is a link to a file outside")
    assert nowhere.startswith("002: 002.png is a link that leads nowhere")
    assert _contents(inbox / "rig") == {"vis/000.png", "ir/000.png", "set.yaml", "arrivals.txt"}


def test_add_captures__a_first_delivery_moves_no_pair_that_was_put_there_by_hand(
    tmp_path, save_pairs
):
    params = IngestParams(block_size=2)
    save_pairs(tmp_path / "data/captures/rig", 6, first=10)
    before = ingest(params, root=tmp_path).manifest.set_index("name")["split"]
    add_captures(save_pairs(tmp_path / "drop/rig", 3), inbox=tmp_path / "data/captures")
    after = ingest(params, root=tmp_path).manifest.set_index("name")["split"]
    assert len(after) == 9
    assert dict(after[before.index]) == dict(before)


def test_add_captures__a_list_of_arrivals_that_is_no_text_brings_nothing_in(
    tmp_path, inbox, save_pairs
):
    folder = save_pairs(tmp_path / "rig", 1)
    add_captures(folder, inbox=inbox)
    (inbox / "rig/arrivals.txt").write_bytes(b"\xff\xfe")
    save_pairs(folder, 1, first=1)
    with pytest.raises(CapturesError, match="not readable"):
        add_captures(folder, inbox=inbox)
    assert not (inbox / "rig/vis/001.png").exists()


def test_add_captures__another_layout_than_before(tmp_path, inbox, save_pairs):
    folder = save_pairs(tmp_path / "rig", 1)
    add_captures(folder, inbox=inbox)
    with pytest.raises(CapturesError, match="layout plain, now tno"):
        add_captures(folder, inbox=inbox, layout="tno")


def test_add_captures__full_disk_goes_on_later(tmp_path, inbox, save_pairs, monkeypatch):
    folder = save_pairs(tmp_path / "rig", 3)
    link = Path.hardlink_to

    def full(self, target):
        if self.name == "001.png":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        link(self, target)

    def full_copy(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "hardlink_to", full)
        patch.setattr("shutil.copyfile", full_copy)
        with pytest.raises(StorageError, match="disk is full"):
            add_captures(folder, inbox=inbox)
    assert add_captures(folder, inbox=inbox).new_files > 0
    assert list_captures(inbox)[0].pairs == 3


def test_list_captures__empty_set_and_no_inbox(inbox):
    assert list_captures(inbox) == []
    (inbox / "rig").mkdir(parents=True)
    [summary] = list_captures(inbox)
    assert (summary.name, summary.pairs) == ("rig", 0)
