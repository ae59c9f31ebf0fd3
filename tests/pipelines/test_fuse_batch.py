import logging
from contextlib import nullcontext
from pathlib import Path

import pytest
import typer

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


@pytest.fixture
def one_failed(fused, monkeypatch):  # noqa: ARG001  # without Prefect, too
    """What the flow tells of a delivery of which one pair failed."""
    told = []
    done = Fused(fused=1, skipped=0, failed={Path("vis/1.png"): "not a PNG"})
    monkeypatch.setattr(module, "fuse", lambda *_: done)
    monkeypatch.setattr(module, "create_markdown_artifact", lambda text, **_: told.append(text))
    Path("params.yaml").write_text("{}\n")
    return told


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


def test_fuse_batch__pairs_that_failed_fail_it_when_all_is_told(one_failed, caplog):
    state = module.fuse_batch.fn("street")
    assert state.is_failed()
    assert state.message == "fused 1 of 2 pairs, 1 failed"
    assert "not a PNG" in one_failed[0]
    assert "failed: vis/1.png: not a PNG" in caplog.text


def test_main__pairs_that_failed_have_an_exit_code_of_their_own(one_failed, monkeypatch, capsys):
    monkeypatch.setattr(module, "server_at_hand", nullcontext)
    flow = module.fuse_batch.fn
    monkeypatch.setattr(module, "fuse_batch", lambda *arguments: flow(*arguments).result())
    with pytest.raises(typer.Exit) as end:
        module.main("street")
    assert end.value.exit_code == 3
    assert "fused 1 of 2 pairs, 1 failed" in capsys.readouterr().err
    assert one_failed
