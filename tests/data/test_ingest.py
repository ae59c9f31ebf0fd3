import errno
import json
import os
import shutil
import struct
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssvif.data import index, label_files
from ssvif.data import ingest as module
from ssvif.data.images import read_infrared_raw, read_visible
from ssvif.data.ingest import INDEX_FILE, ingest
from ssvif.data.manifest import read_manifest
from ssvif.errors import CapturesError, PairError, StorageError
from ssvif.params import IngestParams

PARAMS = IngestParams()
LIMIT = 1_000_000


@pytest.fixture
def rig(tmp_path, save_pairs):
    """A project's folder with one set of 12 pairs."""
    save_pairs(tmp_path / "data/captures/rig", 12)
    return tmp_path


def _state(root):
    return {
        path.relative_to(root).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in (root / "data").rglob("*")
        if path.is_file()
    }


def _records(root):
    lines = (root / "data/quarantine/quarantine.jsonl").read_text(encoding="utf-8").splitlines()
    return {record["name"]: record for record in map(json.loads, lines)}


def _huge_png():
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_ingest__canonical_pairs_and_manifest(rig, make_pair):
    ingested = ingest(PARAMS, root=rig)
    manifest = read_manifest(rig / "data/manifest.parquet")
    assert list(manifest["name"]) == [f"{number:03}" for number in range(12)]
    row = manifest.iloc[3]
    vis, ir = make_pair(3)
    pairs = rig / "data/pairs"
    np.testing.assert_array_equal(read_visible(pairs / f"vis/{row.id}.png", max_pixels=LIMIT), vis)
    np.testing.assert_array_equal(
        read_infrared_raw(pairs / f"ir/{row.id}.png", max_pixels=LIMIT), ir
    )
    assert (row.height, row.width) == ir.shape
    assert row.vis_source == "data/captures/rig/vis/003.png"
    assert row.ir_mean == pytest.approx(ir.mean() / 255, abs=1e-5)
    assert row.registration_score > 0.2
    assert ingested.rejections == []


def test_ingest__a_second_run_touches_nothing(rig):
    ingest(PARAMS, root=rig)
    before = _state(rig)
    ingest(PARAMS, root=rig)
    assert _state(rig) == before


def test_ingest__without_the_index_gives_the_same_bytes(rig, monkeypatch):
    ingest(PARAMS, root=rig)
    before = {path: path.read_bytes() for path in (rig / "data").rglob("*") if path.is_file()}
    for name in ("pairs", "quarantine"):
        shutil.rmtree(rig / "data" / name)
    (rig / INDEX_FILE).unlink()
    monkeypatch.setattr(module, "_WORKERS", 1)
    ingest(PARAMS, root=rig)
    assert {path: path.read_bytes() for path in before} == before


def test_ingest__only_new_files_are_read(rig, save_pairs, monkeypatch):
    ingest(PARAMS, root=rig)
    before = _state(rig)
    examined = []
    examine = module.examine
    monkeypatch.setattr(
        module, "examine", lambda source, *rest: examined.append(source) or examine(source, *rest)
    )
    save_pairs(rig / "data/captures/rig", 2, first=12)
    ingest(PARAMS, root=rig)
    assert sorted(source.capture.name for source in examined) == ["012", "013"]
    assert len(read_manifest(rig / "data/manifest.parquet")) == 14
    after = _state(rig)
    assert all(after[path] == state for path, state in before.items() if "pairs" in path)


def test_ingest__other_limits_examine_again(rig):
    ingest(PARAMS, root=rig)
    with pytest.raises(CapturesError, match="none of 12 captures"):
        ingest(PARAMS.model_copy(update={"min_size": 1000}), root=rig)
    assert {record["code"] for record in _records(rig).values()} == {"too_small"}
    assert len(read_manifest(rig / "data/manifest.parquet")) == 12


def test_ingest__removed_captures_leave(rig):
    ingest(PARAMS, root=rig)
    gone = read_manifest(rig / "data/manifest.parquet").iloc[0]
    for half in ("vis", "ir"):
        (rig / f"data/captures/rig/{half}/000.png").unlink()
    ingest(PARAMS, root=rig)
    assert "000" not in set(read_manifest(rig / "data/manifest.parquet")["name"])
    assert not (rig / f"data/pairs/vis/{gone.id}.png").exists()
    assert len(list((rig / "data/pairs/ir").iterdir())) == 11


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

    codes = {name: record["code"] for name, record in _records(rig).items()}
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
    before = _state(rig)
    ingest(params, root=rig)
    assert _state(rig) == before


def test_ingest__a_mended_pair_leaves_the_quarantine(rig, save, make_pair):
    path = rig / "data/captures/rig/ir/003.png"
    path.write_bytes(b"damaged")
    ingest(PARAMS, root=rig)
    assert (rig / "data/quarantine/rig/003/ir.png").exists()
    save(path, make_pair(3)[1])
    ingest(PARAMS, root=rig)
    assert _records(rig) == {}
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
    assert {name: record["code"] for name, record in _records(rig).items()} == {
        "loop": "unreadable"
    }


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
    before = _state(rig)
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
    after = _state(rig)
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


def test_index__make_clean_deletes_it():
    makefile = Path(__file__).parents[2] / "Makefile"
    clean = makefile.read_text().partition("\nclean:")[2]
    assert INDEX_FILE.as_posix() in clean.split()


def test_ingest__other_code_examines_again(rig, monkeypatch):
    ingest(PARAMS, root=rig)
    monkeypatch.setattr(index, "code_hash", lambda: "another")
    strict = PairError("constant", "stricter than before")

    def refuse(*_args, **_options):
        raise strict

    monkeypatch.setattr("ssvif.data.checks.check_contrast", refuse)
    with pytest.raises(CapturesError, match="none of 12 captures"):
        ingest(PARAMS, root=rig)


def test_ingest__labels_are_read_again_under_another_pixel_limit(rig, save, monkeypatch):
    save(rig / "data/captures/rig/labels/001.png", np.zeros((144, 192), np.uint8))
    ingest(PARAMS, root=rig)
    limits = []
    load = label_files.load_mask

    def load_mask(path, *, max_pixels, **size):
        limits.append(max_pixels)
        return load(path, max_pixels=max_pixels, **size)

    monkeypatch.setattr(label_files, "load_mask", load_mask)
    ingest(PARAMS.model_copy(update={"max_pixels": 144 * 192}), root=rig)
    assert limits == [144 * 192]


def test_ingest__deep_infrared_is_scaled_over_the_set(tmp_path, save, make_pair):
    home = tmp_path / "data/captures/rig"
    raws = []
    for number in range(3):
        vis, ir = make_pair(number)
        raws.append(7000 + 10 * number * 100 + ir.astype(np.uint16) * 4)
        save(home / f"vis/{number}.png", vis)
        save(home / f"ir/{number}.png", raws[-1])
    ingested = ingest(PARAMS.model_copy(update={"percentiles": (0.0, 100.0)}), root=tmp_path)
    low, high = min(raw.min() for raw in raws), max(raw.max() for raw in raws)
    assert ingested.manifest["ir_low"].unique() == pytest.approx([low], abs=8)
    assert ingested.manifest["ir_high"].unique() == pytest.approx([high], abs=8)
    means = ingested.manifest["ir_mean"]
    expected = [(raw.mean() - low) / (high - low) for raw in raws]
    assert means.tolist() == pytest.approx(expected, abs=0.01)


def test_ingest__recorded_range_is_kept(tmp_path, save, make_pair):
    home = tmp_path / "data/captures/rig"
    vis, ir = make_pair()
    save(home / "vis/a.png", vis)
    save(home / "ir/a.png", ir.astype(np.uint16) * 100)
    (home / "set.yaml").write_text("infrared_range: [0, 51000]")
    [row] = ingest(PARAMS, root=tmp_path).manifest.to_dict("records")
    assert (row["ir_low"], row["ir_high"]) == (0.0, 51000.0)
    assert row["ir_mean"] == pytest.approx(ir.mean() / 255 / 2, abs=0.005)


def test_ingest__four_channels_are_split(tmp_path, save, make_pair):
    home = tmp_path / "data/captures/mfnet"
    for number in range(2):
        save(home / f"images/{number}D.png", np.dstack(make_pair(number)))
    save(home / "images/3N.png", make_pair(3)[0])
    (home / "train.txt").write_text("0D")
    (home / "test.txt").write_text("1D")
    manifest = ingest(PARAMS, root=tmp_path).manifest.set_index("name")
    assert dict(manifest["split"]) == {"0D": "train", "1D": "test"}
    path = tmp_path / f"data/pairs/ir/{manifest.loc['0D', 'id']}.png"
    np.testing.assert_array_equal(read_infrared_raw(path, max_pixels=LIMIT), make_pair(0)[1])
    assert "four channels" in _records(tmp_path)["3N"]["sentence"]


def test_ingest__mismatch_is_resized_where_asked(rig, save, make_pair):
    save(rig / "data/captures/rig/ir/004.png", make_pair(4)[1][::2, ::2])
    manifest = ingest(PARAMS.model_copy(update={"resize_mismatch": True}), root=rig).manifest
    assert list(manifest.loc[manifest["resized"], "name"]) == ["004"]
    path = rig / f"data/pairs/ir/{manifest.iloc[4]['id']}.png"
    assert read_infrared_raw(path, max_pixels=LIMIT).shape == make_pair(4)[1].shape


def test_ingest__grey_visible_is_kept_as_one_channel(rig, save, make_pair):
    grey = make_pair(4)[0][..., 0]
    save(rig / "data/captures/rig/vis/004.png", np.dstack([grey] * 3))
    manifest = ingest(PARAMS, root=rig).manifest
    assert list(manifest.loc[manifest["grey_visible"], "name"]) == ["004"]
    with Image.open(rig / f"data/pairs/vis/{manifest.iloc[4]['id']}.png") as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), grey)


def test_ingest__night(tmp_path, save_pairs):
    save_pairs(tmp_path / "data/captures/night", 3, night=True)
    assert set(ingest(PARAMS, root=tmp_path).manifest["light"]) == {"night"}


def test_ingest__labels_follow_their_pair(rig, save):
    home = rig / "data/captures/rig"
    mask = np.arange(144 * 192, dtype=np.uint32).reshape(144, 192) % 9
    save(home / "labels/001.png", mask.astype(np.uint8))
    save(home / "labels/002.png", np.zeros((5, 5), np.uint8))
    (home / "boxes").mkdir()
    (home / "boxes/001.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    (home / "boxes/003.txt").write_text("zero")
    manifest = ingest(PARAMS, root=rig).manifest.set_index("name")
    assert len(manifest) == 12
    assert list(manifest.index[manifest["has_mask"]]) == ["001"]
    assert list(manifest.index[manifest["has_boxes"]]) == ["001"]
    records = _records(rig)
    assert {name: (r["code"], r["kept"]) for name, r in records.items()} == {
        "002": ("mask_dropped", True), "003": ("boxes_dropped", True),
    }  # fmt: skip
    labels = rig / "data/labels"
    written = np.asarray(Image.open(labels / f"masks/{manifest.loc['001', 'id']}.png"))
    np.testing.assert_array_equal(written, mask)

    (home / "boxes/001.txt").write_text("2 0.5 0.5 0.2 0.2\n")
    (home / "labels/001.png").unlink()
    ingest(PARAMS, root=rig)
    assert (labels / f"boxes/{manifest.loc['001', 'id']}.txt").read_text().startswith("2 ")
    assert not list(labels.glob("masks/*"))


def test_ingest__duplicates_keep_the_held_out_one(tmp_path, save_pairs):
    home = tmp_path / "data/captures/rig"
    save_pairs(home / "train", 4)
    save_pairs(home / "test", 2, first=3)
    manifest = ingest(PARAMS, root=tmp_path).manifest
    assert set(manifest["name"]) == {"test/003", "test/004", "train/000", "train/001", "train/002"}
    assert _records(tmp_path)["train/003"]["code"] == "duplicate"


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


def test_ingest__pairs_that_are_there_are_not_written_again(rig):
    ingest(PARAMS, root=rig)
    before = _state(rig)
    (rig / INDEX_FILE).unlink()
    ingest(PARAMS, root=rig)
    after = _state(rig)
    assert {path for path in before if after[path] != before[path]} <= {INDEX_FILE.as_posix()}


def test_ingest__another_set_moves_no_pair(tmp_path, save_pairs):
    save_pairs(tmp_path / "data/captures/rig", 12)
    params = PARAMS.model_copy(update={"block_size": 2})
    before = ingest(params, root=tmp_path).manifest
    assert set(before["split"]) == {"train", "val", "test"}
    save_pairs(tmp_path / "data/captures/another", 5, first=40)
    after = ingest(params, root=tmp_path).manifest
    kept = after[after["set"] == "rig"].reset_index(drop=True)
    assert kept.equals(before)
    assert Counter(after["set"]) == {"rig": 12, "another": 5}
