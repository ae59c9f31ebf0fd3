import pytest
from filelock import FileLock, Timeout

from ssvif.drift import write
from ssvif.drift.history import HISTORY
from ssvif.drift.write import LOCK, PAGE, write_drift
from ssvif.errors import DriftError


def test_write_drift__page_and_history_appear(tmp_path, dark, occasion, pairs_folder) -> None:
    page = write_drift(dark, occasion, tmp_path / "drift", pairs=pairs_folder)
    assert page == tmp_path / "drift" / PAGE
    assert {path.name for path in page.parent.iterdir()} - {LOCK} == {HISTORY, PAGE}


def test_write_drift__again_changes_nothing(tmp_path, dark, occasion, pairs_folder) -> None:
    folder = tmp_path / "drift"
    for _ in range(2):
        write_drift(dark, occasion, folder, pairs=pairs_folder)
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_drift(dark, occasion, folder, pairs=pairs_folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files


def test_write_drift__nobody_else_writes_between_reading_and_writing(
    tmp_path, dark, occasion, pairs_folder, monkeypatch
) -> None:
    held = []

    def watched(name):
        step = getattr(write, name)

        def watching(*given):
            with pytest.raises(Timeout):
                FileLock(tmp_path / LOCK, timeout=0).acquire()
            held.append(name)
            return step(*given)

        monkeypatch.setattr(write, name, watching)

    watched("read_history")
    watched("history_text")
    write_drift(dark, occasion, tmp_path, pairs=pairs_folder)
    assert held == ["read_history", "history_text"]
    FileLock(tmp_path / LOCK, timeout=0).acquire()


def test_write_drift__a_damaged_history_is_kept(tmp_path, dark, occasion, pairs_folder) -> None:
    (tmp_path / HISTORY).write_text("no table")
    with pytest.raises(DriftError, match="delete it or mend it"):
        write_drift(dark, occasion, tmp_path, pairs=pairs_folder)
    assert (tmp_path / HISTORY).read_text() == "no table"
    assert not (tmp_path / PAGE).exists()
