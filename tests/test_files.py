import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ssvif import files
from ssvif.errors import StorageError
from ssvif.files import (
    atomic_folder,
    atomic_path,
    require_writable,
    scratch_prefix,
    sha256_file,
    sha256_json,
    staged_files,
    write_json,
    write_text,
)


def test_write_text__makes_folders_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "a" / "b.txt"
    write_text(path, "grüße")
    assert path.read_text(encoding="utf-8") == "grüße"
    assert list(path.parent.iterdir()) == [path]


def test_atomic_path__a_failed_block_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old")

    def fail_half_way():
        with atomic_path(path) as temporary:
            temporary.write_text("ne")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_require_writable__makes_the_folder_and_leaves_nothing_in_it(tmp_path):
    require_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_require_writable__a_file_is_refused(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(StorageError, match="a: expected a folder, found a file"):
        require_writable(tmp_path / "a")
    with pytest.raises(StorageError, match=r"b: cannot be written \(Not a directory\)"):
        require_writable(tmp_path / "a" / "b")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, r"new: the disk is full"),
        (errno.EDQUOT, r"new: the disk is full"),
        (errno.EFBIG, r"new: larger than the file system or a limit"),
    ],
)
@pytest.mark.parametrize("atomic", [atomic_path, atomic_folder])
def test_atomic__no_room(tmp_path, atomic, number, words):
    def fail():
        with atomic(tmp_path / "new"):
            raise OSError(number, os.strerror(number))

    with pytest.raises(StorageError, match=words):
        fail()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("atomic", [atomic_path, atomic_folder])
def test_atomic__says_why_it_cannot_write(tmp_path, atomic):
    def fail():
        with atomic(tmp_path / "new") as temporary:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(temporary))

    with pytest.raises(StorageError, match=r"new: cannot be written \(Permission denied\)"):
        fail()


@pytest.mark.parametrize("atomic", [atomic_path, atomic_folder])
def test_atomic__another_file_is_not_blamed_on_the_target(tmp_path, atomic):
    def fail():
        with atomic(tmp_path / "new"):
            (tmp_path / "missing").read_bytes()

    with pytest.raises(FileNotFoundError, match="missing"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_atomic_path__follows_the_umask(tmp_path):
    code = "import os; os.umask(0o027); from ssvif.files import write_text, Path"
    run = f"{code}; write_text(Path('file'), 'x')"
    subprocess.run([sys.executable, "-c", run], cwd=tmp_path, check=True)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("interrupted", ["filling", "moving"])
def test_atomic_folder__an_interrupt_leaves_the_old_one(tmp_path, monkeypatch, interrupted):
    path = tmp_path / "folder"
    with atomic_folder(path) as new:
        write_text(new / "file", "old")
    rename = Path.rename

    monkeypatch.setattr(files, "_exchange", lambda *_: False)  # as on other systems

    def stop_at_new(self, target):
        if self.name == "new":
            raise KeyboardInterrupt
        return rename(self, target)

    def replace():
        with atomic_folder(path) as new:
            write_text(new / "file", "new")
            if interrupted == "filling":
                raise KeyboardInterrupt
            monkeypatch.setattr(Path, "rename", stop_at_new)

    with pytest.raises(KeyboardInterrupt):
        replace()
    assert (path / "file").read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot do it in one step")
def test_atomic_folder__the_path_is_never_without_a_folder(tmp_path, monkeypatch):
    path = tmp_path / "folder"
    write_text(path / "file", "old")
    monkeypatch.setattr(Path, "rename", None)  # two renames have a moment between them
    with atomic_folder(path) as new:
        write_text(new / "file", "new")
    assert (path / "file").read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_write_json__equal_content_gives_equal_bytes(tmp_path):
    write_json(tmp_path / "a", {"b": 1, "a": [1.5]})
    write_json(tmp_path / "b", {"a": [1.5], "b": 1})
    assert sha256_file(tmp_path / "a") == sha256_file(tmp_path / "b")


def test_write_json__refuses_nan_and_keeps_the_old_file(tmp_path):
    write_json(tmp_path / "a", 1)
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a", float("nan"))
    assert (tmp_path / "a").read_text() == "1\n"


def test_sha256_json__does_not_depend_on_the_order_of_keys():
    assert sha256_json({"a": 1, "b": 2}) == sha256_json({"b": 2, "a": 1})
    assert sha256_json({"a": 1}) != sha256_json({"a": 2})


def test_staged_files__appear_together_and_spare_what_else_is_there(tmp_path):
    write_text(tmp_path / "page.html", "old")
    write_text(tmp_path / "mine.txt", "mine")
    with staged_files(tmp_path) as scratch:
        write_text(scratch / "page.html", "new")
        write_text(scratch / "plots" / "means.csv", "new")
        assert (tmp_path / "page.html").read_text() == "old"
    found = {path.relative_to(tmp_path).as_posix(): path.read_text()
             for path in tmp_path.rglob("*") if path.is_file()}  # fmt: skip
    assert found == {"page.html": "new", "plots/means.csv": "new", "mine.txt": "mine"}


def test_staged_files__a_failed_block_changes_nothing(tmp_path):
    write_text(tmp_path / "page.html", "old")

    def fail_half_way():
        with staged_files(tmp_path) as scratch:
            write_text(scratch / "page.html", "new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert (tmp_path / "page.html").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "page.html"]


def test_scratch_prefix__names_the_process_and_the_machine(monkeypatch):
    own = scratch_prefix()
    assert own.startswith(f".part-{os.getpid()}-")
    assert scratch_prefix(7).startswith(".part-7-")
    monkeypatch.setattr("platform.node", lambda: "elsewhere")
    assert scratch_prefix() != own
