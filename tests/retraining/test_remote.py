import shutil
from pathlib import Path

import fsspec
import pytest

from ssvif.errors import RetrainingError
from ssvif.retraining import remote as module
from ssvif.retraining.deliveries import MARKER, find_deliveries
from ssvif.retraining.inbox import take_in
from ssvif.retraining.remote import awaited_deliveries, fetch_deliveries, is_remote, local_drop

PLACE = "memory://rig/out"


@pytest.fixture
def bucket():
    filesystem = fsspec.filesystem("memory")
    yield filesystem
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]


@pytest.fixture
def drop(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "drop"


def put(bucket, key, content=b"image"):
    bucket.pipe_file(f"/rig/out/{key}", content)


def fetch(drop, **kinds):
    return fetch_deliveries(PLACE, drop, **{"quiet_seconds": 30.0, **kinds})


@pytest.mark.parametrize(
    ("place", "remote"), [("s3://rig/out", True), ("data/drop", False), ("/data/drop", False)]
)
def test_is_remote__by_its_scheme(place, remote):
    assert is_remote(place) is remote


def test_local_drop__of_a_bucket_it_is_where_copies_lie():
    assert local_drop("s3://rig/out") == module.DOWNLOADS
    assert local_drop("elsewhere") == Path("elsewhere")


def test_fetch_deliveries__a_marked_one_arrives_whole_and_complete(bucket, drop):
    put(bucket, "street--1/vis/0.png")
    put(bucket, "street--1/ir/0.png", b"warm")
    put(bucket, f"street--1/{MARKER}", b"")
    assert fetch(drop) == ["street--1"]
    (delivery,) = find_deliveries(drop)
    assert delivery.files == ("ir/0.png", "vis/0.png")
    assert delivery.is_marked
    assert (drop / "street--1/ir/0.png").read_bytes() == b"warm"


def test_fetch_deliveries__without_a_marker_when_it_was_quiet(bucket, drop):
    put(bucket, "street/vis/0.png")
    when = bucket.created("/rig/out/street/vis/0.png").timestamp()
    assert fetch(drop, now=when + 29.0) == []
    assert not drop.exists()
    assert fetch(drop, now=when + 30.0) == ["street"]
    # Here it is complete, however young its files are.
    assert find_deliveries(drop)[0].is_marked


def test_fetch_deliveries__once_until_something_changes(bucket, drop):
    put(bucket, f"street/{MARKER}")
    put(bucket, "street/vis/0.png")
    assert fetch(drop) == ["street"]
    assert fetch(drop) == []
    put(bucket, "street/vis/1.png")
    assert fetch(drop) == ["street"]
    assert find_deliveries(drop)[0].files == ("vis/0.png", "vis/1.png")


def test_fetch_deliveries__what_came_here_by_itself_is_not_replaced(bucket, drop, caplog):
    (drop / "street/vis").mkdir(parents=True)
    (drop / "street/vis/mine.png").write_bytes(b"mine")
    put(bucket, f"street/{MARKER}")
    put(bucket, "street/vis/0.png")
    assert fetch(drop) == []
    assert "street: left in the bucket" in caplog.text
    assert [path.name for path in drop.rglob("*.png")] == ["mine.png"]
    (drop / "street").rename(drop / "street--mine")
    assert fetch(drop) == ["street"]


def test_fetch_deliveries__not_again_where_a_copy_was_taken_in_and_deleted(bucket, drop):
    put(bucket, f"street/{MARKER}")
    put(bucket, "street/vis/0.png")
    fetch(drop)
    take_in(drop, 0.0)
    shutil.rmtree(drop / "street")
    assert awaited_deliveries(PLACE, drop, quiet_seconds=0.0) == []
    assert fetch(drop) == []
    put(bucket, "street/vis/1.png")
    assert fetch(drop) == ["street"]


def test_fetch_deliveries__uploaded_anew_and_deleted_here_not_again(bucket, drop, street):
    for path in (street / "vis/00.png", street / "ir/00.png"):
        put(bucket, path.relative_to(street.parent).as_posix(), path.read_bytes())
    for _ in range(2):
        put(bucket, f"street/{MARKER}")  # at another time
        assert fetch(drop) == ["street"]
        assert len(take_in(drop, 0.0)) == 1
        shutil.rmtree(drop / "street")
        assert fetch(drop) == []


@pytest.mark.parametrize(
    "key",
    ["../../out.png", "a//b.png", "vis/./0.png", "vis\\..\\0.png", "vis/\n.png", "x" * 300],
)
def test_fetch_deliveries__a_key_that_would_leave_its_folder_is_no_files(drop, key):
    objects = [module._Object(key, f"rig/out/bad/{key}", 1, 0.0, "v")]
    assert "is no file's name" in module._why_not("bad", objects, drop)


def test_fetch_deliveries__a_bad_key_leaves_its_delivery_and_no_other(bucket, drop, caplog):
    put(bucket, f"good/{MARKER}")
    put(bucket, "evil\x07name/0.png")
    put(bucket, "/nameless.png")
    put(bucket, "./dot.png")
    assert fetch(drop, quiet_seconds=0.0) == ["good"]
    assert "left in the bucket: the key 'evil\\x07name' is no file's name" in caplog.text


@pytest.mark.parametrize("name", ["..", ".", ""])
def test_fetch_deliveries__a_delivery_is_named_as_a_folder_can_be(name, drop):
    assert "is no file's name" in module._why_not(name, [], drop)


def test_fetch_deliveries__larger_than_the_disk_can_spare_is_left(bucket, drop, monkeypatch):
    put(bucket, f"street/{MARKER}")
    put(bucket, "street/vis/0.png", b"x" * 100)
    usage = type("usage", (), {"free": 150})
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage)
    assert fetch(drop) == []
    usage.free = 300
    assert fetch(drop) == ["street"]


def test_fetch_deliveries__too_many_files_are_left(bucket, drop, monkeypatch):
    put(bucket, f"street/{MARKER}")
    put(bucket, "street/vis/0.png")
    monkeypatch.setattr(module, "_MAX_FILES", 1)
    assert fetch(drop) == []


def test_fetch_deliveries__cut_off_leaves_nothing_half(bucket, drop, monkeypatch, caplog):
    put(bucket, f"street/{MARKER}")
    put(bucket, "street/vis/0.png")

    def fail(_self, key, _path, **_):
        raise ConnectionError(f"reset by peer\nat {key}")

    with monkeypatch.context() as patch:
        patch.setattr(type(bucket), "get_file", fail)
        assert fetch(drop) == []
    assert "street: not copied, but later if it can be: " in caplog.text
    assert "cannot be read (reset by peer)" in caplog.text
    assert list(drop.iterdir()) == []
    assert fetch(drop) == ["street"]


def test_fetch_deliveries__one_that_cannot_be_copied_stops_no_other(bucket, drop, monkeypatch):
    for name in ("a", "b", "c"):
        put(bucket, f"{name}/{MARKER}")
    copy = type(bucket).get_file

    def fail_once(self, key, path, **kinds):
        if "/b/" in key:
            raise ConnectionError("reset by peer")
        copy(self, key, path, **kinds)

    monkeypatch.setattr(type(bucket), "get_file", fail_once)
    assert fetch(drop) == ["a", "c"]


@pytest.mark.parametrize(
    "keys", [("vis/0.png", "vis"), ("x/y/0.png", "x"), (".origin/0.png",), (f"{MARKER}/0.png",)]
)
def test_fetch_deliveries__a_file_that_others_lie_in_is_left_and_no_other(
    bucket, drop, caplog, keys
):
    for key in keys:
        put(bucket, f"a/{key}")
    put(bucket, "good/vis/0.png")
    assert awaited_deliveries(PLACE, drop, quiet_seconds=0.0) == ["good"]
    assert fetch(drop, quiet_seconds=0.0) == ["good"]
    assert "is a file and a folder; rename one of them" in caplog.text


@pytest.mark.usefixtures("bucket")
def test_fetch_deliveries__an_empty_prefix_has_nothing(drop):
    assert fetch(drop) == []


def test_fetch_deliveries__a_scheme_that_nobody_knows(drop):
    with pytest.raises(RetrainingError, match="not a place this machine can read"):
        fetch_deliveries("nowhere://x/y", drop, quiet_seconds=0.0)


def test_awaited_deliveries__those_that_would_be_fetched(bucket, drop):
    put(bucket, f"street--1/{MARKER}")
    put(bucket, "street--2/vis/0.png")
    assert awaited_deliveries(PLACE, drop, quiet_seconds=30.0) == ["street--1"]
    assert list(drop.iterdir()) == []
    fetch(drop)
    assert awaited_deliveries(PLACE, drop, quiet_seconds=30.0) == []
