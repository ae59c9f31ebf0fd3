import logging
from pathlib import Path

import pytest

from pipelines import fuse_batch as module
from ssvif.fuse.files import Fused
from ssvif.retraining.remote import DOWNLOADS


@pytest.fixture
def fused(tmp_path, monkeypatch):
    """Folders that were to be fused, and where to; without Prefect."""
    monkeypatch.chdir(tmp_path)
    calls = []

    def fuse(folder, out, ray):
        calls.append((folder, out, ray))
        return Fused(fused=1, skipped=0, failed={})

    monkeypatch.setattr(module, "fuse", fuse)
    monkeypatch.setattr(module, "get_run_logger", logging.getLogger)
    monkeypatch.setattr(module, "create_markdown_artifact", lambda *_, **__: None)
    return calls


@pytest.mark.parametrize(("drop", "folder"), [("drop", Path("drop")), ("s3://rig/out", DOWNLOADS)])
def test_fuse_batch__finds_a_delivery_by_its_name(fused, drop, folder):
    Path("params.yaml").write_text(f"retraining: {{drop: '{drop}'}}\n")
    (folder / "street--1").mkdir(parents=True)
    module.fuse_batch.fn("street--1")
    assert fused == [(folder / "street--1", Path("fused/street--1"), None)]


def test_fuse_batch__any_folder_to_any_place(fused):
    Path("params.yaml").write_text("{}\n")
    module.fuse_batch.fn("elsewhere/street", "there", "10.0.0.1:6379")
    assert fused == [(Path("elsewhere/street"), Path("there"), "10.0.0.1:6379")]
