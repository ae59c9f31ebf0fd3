import dataclasses
import errno
from pathlib import Path

import pytest
import torch

from ssvif.errors import CheckpointError, StorageError
from ssvif.training.checkpoint import Checkpoint, CheckpointFolder


def test_checkpoint__a_damaged_file_says_what_to_do(tmp_path):
    (tmp_path / "last.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError, match="delete it"):
        CheckpointFolder(tmp_path).load()


@pytest.mark.parametrize("content", [None, torch.zeros(3), {"format_version": 1}])
def test_checkpoint__a_file_of_something_else_says_what_to_do(tmp_path, content):
    torch.save(content, tmp_path / "last.pt")
    with pytest.raises(CheckpointError, match="delete it"):
        CheckpointFolder(tmp_path).load()


def test_checkpoint__a_full_disk_leaves_the_last_one(tmp_path, monkeypatch):
    folder = CheckpointFolder(tmp_path)
    checkpoint = Checkpoint("p", 0, 3, objective={}, optimizer={}, scheduler={})
    folder.save(checkpoint)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match="disk is full"):
        folder.save(dataclasses.replace(checkpoint, step=4))
    assert folder.load() == checkpoint


def test_checkpoint__removing_takes_older_tries_of_the_stage_along(tmp_path):
    folders = [CheckpointFolder(tmp_path / name) for name in ("one-a", "one-b", "two-a")]
    for folder in folders:
        folder.save(Checkpoint("p", 0, 1, objective={}, optimizer={}, scheduler={}))
    folders[0].remove()
    assert [path.name for path in tmp_path.iterdir()] == ["two-a"]


def test_checkpoint__code_in_a_file_is_never_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (pytest.fail, ("ran",))

    torch.save({"format_version": 1, "phase": Evil()}, tmp_path / "last.pt")
    with pytest.raises(CheckpointError):
        CheckpointFolder(tmp_path).load()
