import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssvif.data import index, label_files
from ssvif.data import ingest as module
from ssvif.data.classes import ClassNames, read_classes
from ssvif.data.images import read_infrared_raw, read_visible
from ssvif.data.ingest import INDEX_FILE, ingest
from ssvif.data.manifest import read_manifest
from ssvif.errors import CapturesError, PairError
from ssvif.params import IngestParams
from tests.data.ingested import records, state

PARAMS = IngestParams()
LIMIT = 1_000_000


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
    before = state(rig)
    ingest(PARAMS, root=rig)
    assert state(rig) == before


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
    before = state(rig)
    examined = []
    examine = module.examine
    monkeypatch.setattr(
        module, "examine", lambda source, *rest: examined.append(source) or examine(source, *rest)
    )
    save_pairs(rig / "data/captures/rig", 2, first=12)
    ingest(PARAMS, root=rig)
    assert sorted(source.capture.name for source in examined) == ["012", "013"]
    assert len(read_manifest(rig / "data/manifest.parquet")) == 14
    after = state(rig)
    assert all(after[path] == state for path, state in before.items() if "pairs" in path)


def _arriving(monkeypatch, arrive):
    """Let something arrive at the end of each round, when the captures were read."""
    write = module.write_manifest
    rounds = []

    def write_manifest(*arguments):
        write(*arguments)
        rounds.append(len(rounds))
        arrive(rounds[-1])

    monkeypatch.setattr(module, "write_manifest", write_manifest)
    return rounds


def test_ingest__what_arrives_meanwhile_is_taken_in(rig, save_pairs, monkeypatch):
    def arrive(number):
        if number == 0:
            save_pairs(rig / "data/captures/late", 2, first=20)

    rounds = _arriving(monkeypatch, arrive)
    manifest = ingest(PARAMS, root=rig).manifest
    assert set(manifest["set"]) == {"rig", "late"}
    assert len(rounds) == 2


def test_ingest__what_never_stops_arriving_is_said(rig, monkeypatch, caplog):
    rounds = _arriving(
        monkeypatch, lambda number: (rig / f"data/captures/rig/{number}.txt").write_text("more")
    )
    ingest(PARAMS, root=rig)
    assert "captures come all the time; run `dvc repro --force ingest`" in caplog.text
    assert len(rounds) == 5


def test_ingest__other_limits_examine_again(rig):
    ingest(PARAMS, root=rig)
    with pytest.raises(CapturesError, match="none of 12 captures"):
        ingest(PARAMS.model_copy(update={"min_size": 1000}), root=rig)
    assert {record["code"] for record in records(rig).values()} == {"too_small"}
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
    assert "four channels" in records(tmp_path)["3N"]["sentence"]


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
    kept = records(rig)
    assert {name: (r["code"], r["kept"]) for name, r in kept.items()} == {
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


def test_ingest__pairs_that_are_there_are_not_written_again(rig):
    ingest(PARAMS, root=rig)
    before = state(rig)
    (rig / INDEX_FILE).unlink()
    ingest(PARAMS, root=rig)
    after = state(rig)
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


def test_ingest__writes_the_classes_of_labelled_sets(rig, save):
    home = rig / "data/captures/rig"
    names = ["pipe", "crack"]
    (home / "set.yaml").write_text(f"classes: {['ground', *names]}\nbox_classes: {names}\n")
    save(home / "labels/000.png", np.zeros((144, 192), np.uint8))
    (home / "boxes").mkdir()
    (home / "boxes/000.txt").write_text("1 0.5 0.5 0.1 0.1\n")
    for _ in range(2):  # the second run has nothing new to write, and keeps it
        ingest(PARAMS, root=rig)
        found = read_classes(rig / "data/labels")
        assert found.masks == {"rig": ("ground", "pipe", "crack")}
        assert found.boxes == {"rig": ("pipe", "crack")}


def test_ingest__a_set_whose_classes_nobody_named(rig, save):
    home = rig / "data/captures/rig"
    save(home / "labels/000.png", np.zeros((144, 192), np.uint8))
    ingest(PARAMS, root=rig)
    assert read_classes(rig / "data/labels") == ClassNames()
