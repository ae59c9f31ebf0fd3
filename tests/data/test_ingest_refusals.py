import errno
import os
import shutil
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ssvif.data import ingest as module
from ssvif.data.ingest import INDEX_FILE, ingest
from ssvif.errors import CapturesError, StorageError
from ssvif.params import IngestParams
from tests.data.ingested import records, state

PARAMS = IngestParams()
LIMIT = 1_000_000


def _huge_png():
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_ingest__bad_pairs_never_stop_the_rest(rig, save, make_pair):
    home = rig / "data/captures/rig"
    vis, ir = make_pair(99)

    def put(name, *, vis_bytes=None, ir_bytes=None, vis=vis, ir=ir):
        for half, array, content in (("vis", vis, vis_bytes), ("ir", ir, ir_bytes)):
            path = save(home / half / f"{name}.png", array)
            if content is not None:
                path.write_bytes(content)

    whole = (home / "vis/000.png").read_bytes()
    put("truncated", vis_bytes=whole[: len(whole) // 2])
    put("text", ir_bytes=b"not an image")
    put("empty", ir_bytes=b"")
    put("huge", vis_bytes=_huge_png())
    put("half")
    (home / "ir/half.png").unlink()
    put("flat", ir=np.full_like(ir, 90))
    put("white", vis=np.full_like(vis, 255))
    put("small", vis=vis[:100], ir=ir[:100])
    put("sizes", ir=ir[:-2])
    put("swapped", vis=ir, ir=vis)
    put("colours", ir=make_pair(98)[0])
    put("same", vis=ir, ir=ir)
    put("shifted", ir=np.roll(ir, (22, -16), axis=(0, 1)))
    shutil.copy(home / "vis/000.png", home / "vis/copy.png")
    shutil.copy(home / "ir/000.png", home / "ir/copy.png")
    put("näher dran", vis=make_pair(1)[0] + np.uint8(1), ir=make_pair(1)[1])
    put("linked")
    secret = rig / "secret.png"
    shutil.copy(home / "vis/002.png", secret)
    (home / "vis/linked.png").unlink()
    (home / "vis/linked.png").symlink_to(secret)

    # One block, so that no copy is held out and thereby preferred.
    params = PARAMS.model_copy(update={"block_size": 100})
    ingested = ingest(params, root=rig)

    codes = {name: record["code"] for name, record in records(rig).items()}
    assert codes == {
        "truncated": "unreadable", "text": "unreadable", "empty": "unreadable",
        "huge": "too_many_pixels", "half": "missing_half", "flat": "constant",
        "white": "saturated", "small": "too_small", "sizes": "size_mismatch",
        "swapped": "swapped", "colours": "colour_infrared", "same": "same_image",
        "shifted": "misregistered", "copy": "duplicate", "näher dran": "near_duplicate",
        "linked": "outside",
    }  # fmt: skip
    assert len(ingested.manifest) == 12
    quarantine = rig / "data/quarantine/rig"
    assert (quarantine / "truncated/vis.png").read_bytes() == whole[: len(whole) // 2]
    assert [path.name for path in (quarantine / "half").iterdir()] == ["vis.png"]
    assert not (quarantine / "linked").exists()
    assert str(rig) not in (rig / "data/quarantine/quarantine.jsonl").read_text()
    before = state(rig)
    ingest(params, root=rig)
    assert state(rig) == before


def test_ingest__a_mended_pair_leaves_the_quarantine(rig, save, make_pair):
    path = rig / "data/captures/rig/ir/003.png"
    path.write_bytes(b"damaged")
    ingest(PARAMS, root=rig)
    assert (rig / "data/quarantine/rig/003/ir.png").exists()
    save(path, make_pair(3)[1])
    ingest(PARAMS, root=rig)
    assert records(rig) == {}
    assert [path.name for path in (rig / "data/quarantine").iterdir()] == ["quarantine.jsonl"]


def test_ingest__no_captures(tmp_path):
    with pytest.raises(CapturesError, match=r"captures add.*`dvc repro ingest`"):
        ingest(PARAMS, root=tmp_path)


def test_ingest__sample_where_there_are_no_captures(tmp_path, save_pairs):
    save_pairs(tmp_path / "data/sample/synthetic", 2)
    (tmp_path / "data/captures").mkdir()
    (tmp_path / "data/captures/README.md").touch()
    assert set(ingest(PARAMS, root=tmp_path).manifest["set"]) == {"synthetic"}
    save_pairs(tmp_path / "data/captures/rig", 2, first=5)
    assert set(ingest(PARAMS, root=tmp_path).manifest["set"]) == {"rig"}


def test_ingest__a_bad_set_never_stops_the_rest(rig, tmp_path_factory, save_pairs):
    inbox = rig / "data/captures"
    (inbox / "empty").mkdir()
    save_pairs(inbox / "bad name", 1, first=50)
    elsewhere = save_pairs(tmp_path_factory.mktemp("elsewhere"), 1, first=60)
    (inbox / "linked").symlink_to(elsewhere)
    save_pairs(inbox / "typo", 1, first=70)
    (inbox / "typo/set.yaml").write_text("layuot: plain")
    save_pairs(inbox / "folder", 1, first=80)
    (inbox / "folder/set.yaml").mkdir()
    save_pairs(inbox / "quarantine.jsonl", 1, first=90)
    ingested = ingest(PARAMS, root=rig)
    assert set(ingested.manifest["set"]) == {"rig"}
    assert {(r.capture.set_name, r.code) for r in ingested.rejections} == {
        (name, "set_refused")
        for name in ("empty", "bad name", "linked", "typo", "folder", "quarantine.jsonl")
    }


def test_ingest__odd_sets_never_stop_the_rest(rig, save, make_pair):
    inbox = rig / "data/captures"
    vis, ir = make_pair(50)
    save(inbox / "nameless/vis.png", vis)
    save(inbox / "nameless/ir.png", ir)
    wide = np.random.default_rng(0).integers(0, 256, (128, 2000), dtype=np.uint8)
    save(inbox / "wide/vis/a.png", np.dstack([wide] * 3))
    save(inbox / "wide/ir/a.png", 255 - wide)
    (inbox / "rig/vis/loop.png").symlink_to("loop.png")
    save(inbox / "rig/ir/loop.png", ir)
    manifest = ingest(PARAMS, root=rig).manifest
    assert dict(manifest["set"].value_counts()) == {"rig": 12, "nameless": 1, "wide": 1}
    assert set(manifest.loc[manifest["set"] == "nameless", "name"]) == {"nameless"}
    assert {name: record["code"] for name, record in records(rig).items()} == {"loop": "unreadable"}


def test_ingest__all_sets_refused(tmp_path):
    (tmp_path / "data/captures/empty").mkdir(parents=True)
    with pytest.raises(CapturesError, match="all sets were refused"):
        ingest(PARAMS, root=tmp_path)


def test_ingest__images_without_a_place_are_said(rig, save, caplog):
    caplog.set_level("INFO")
    save(rig / "data/captures/rig/board/b.png", np.zeros((8, 8), np.uint8))
    ingest(PARAMS, root=rig)
    assert "rig: 1 images have no place in the layout, such as board/b.png" in caplog.text


@pytest.mark.parametrize("when", [0, 5])
def test_ingest__full_disk_loses_nothing(rig, save_pairs, monkeypatch, when):
    ingest(PARAMS, root=rig)
    before = state(rig)
    save_pairs(rig / "data/captures/rig", 6, first=12)
    saved = []
    real_save = Image.Image.save

    def full(self, *args, **options):
        if len(saved) >= when:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        saved.append(args)
        real_save(self, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Image.Image, "save", full)
        with pytest.raises(StorageError, match="disk is full"):
            ingest(PARAMS, root=rig)
    after = state(rig)
    assert all(after[path] == state for path, state in before.items() if path != str(INDEX_FILE))
    assert not list((rig / "data").rglob(".part-*"))
    assert len(ingest(PARAMS, root=rig).manifest) == 18


def test_ingest__interrupted_goes_on(rig, monkeypatch):
    monkeypatch.setattr(module, "_BATCH", 4)
    examine, examined = module.examine, []

    def stop_after_eight(source, *rest):
        examined.append(source.capture.name)
        if len(examined) > 8:
            raise KeyboardInterrupt
        return examine(source, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(module, "examine", stop_after_eight)
        with pytest.raises(KeyboardInterrupt):
            ingest(PARAMS, root=rig)
    done = set(examined[:8])
    examined.clear()
    monkeypatch.setattr(
        module, "examine", lambda s, *rest: examined.append(s.capture.name) or examine(s, *rest)
    )
    assert len(ingest(PARAMS, root=rig).manifest) == 12
    assert not done & set(examined)


def test_ingest__damaged_index_is_made_anew(rig):
    ingest(PARAMS, root=rig)
    before = (rig / INDEX_FILE).read_bytes()
    (rig / INDEX_FILE).write_text('{"findings": [1]}')
    ingest(PARAMS, root=rig)
    assert (rig / INDEX_FILE).read_bytes() == before


def test_ingest__duplicates_keep_the_held_out_one(tmp_path, save_pairs):
    home = tmp_path / "data/captures/rig"
    save_pairs(home / "train", 4)
    save_pairs(home / "test", 2, first=3)
    manifest = ingest(PARAMS, root=tmp_path).manifest
    assert set(manifest["name"]) == {"test/003", "test/004", "train/000", "train/001", "train/002"}
    assert records(tmp_path)["train/003"]["code"] == "duplicate"


def test_ingest__duplicates_without_a_split_give_way(tmp_path, save_pairs):
    home = tmp_path / "data/captures/rig"
    save_pairs(home / "detection", 3)
    save_pairs(home / "test", 3)
    manifest = ingest(PARAMS, root=tmp_path).manifest
    assert list(manifest["name"]) == ["test/000", "test/001", "test/002"]


def test_ingest__duplicates_keep_the_one_dealt_out_for_test(tmp_path, save_pairs):
    home = tmp_path / "data/captures"
    save_pairs(home / "dealt", 6)
    save_pairs(home / "own/train", 6)
    save_pairs(home / "own/val", 1, first=6)
    save_pairs(home / "own/test", 1, first=7)
    manifest = ingest(PARAMS.model_copy(update={"block_size": 2}), root=tmp_path).manifest
    kept = manifest.set_index("name")
    assert dict(kept.loc[kept["set"] == "dealt", "split"]) == {
        "002": "test", "003": "test", "004": "val", "005": "val",
    }  # fmt: skip
    assert len(manifest) == 8


def test_ingest__empty_splits_are_said_at_once(rig, caplog):
    ingest(PARAMS, root=rig)
    assert "no val pairs" in caplog.text
    assert "ingest.block_size (now 10)" in caplog.text
    caplog.clear()
    ingest(PARAMS.model_copy(update={"block_size": 3}), root=rig)
    assert caplog.text == ""


def test_ingest__duplicates_keep_the_labelled_one(tmp_path, save_pairs):
    for name in ("first", "second"):
        save_pairs(tmp_path / "data/captures" / name, 2)
    (tmp_path / "data/captures/second/boxes").mkdir()
    (tmp_path / "data/captures/second/boxes/001.txt").write_text("0 0.5 0.5 0.1 0.1")
    manifest = ingest(PARAMS, root=tmp_path).manifest
    assert list(manifest["set"] + manifest["name"]) == ["first000", "second001"]
