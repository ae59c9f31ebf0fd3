import pandas as pd
import pytest

from ssvif.errors import ManifestError, ModelError
from ssvif.registry.pairs import PAIRS, learnt_ids, read_pairs, write_pairs


def test_read_pairs__gives_the_manifest_without_sources_and_hashes(make_bundle, manifest, tmp_path):
    make_bundle()
    expected = pd.read_parquet(manifest).drop(
        columns=["vis_source", "ir_source", "vis_sha256", "ir_sha256"]
    )
    expected["inherited"] = False
    pd.testing.assert_frame_equal(read_pairs(tmp_path / "models/bundle"), expected)
    assert b"secret" not in (tmp_path / "models/bundle" / PAIRS).read_bytes()


def test_write_pairs__equal_rows_give_equal_bytes(manifest, tmp_path):
    write_pairs(tmp_path / "a.parquet", manifest)
    # as another program may have written the same rows
    pd.read_parquet(manifest).to_parquet(manifest, index=False, compression="gzip")
    write_pairs(tmp_path / "b.parquet", manifest)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def _with_splits(manifest, splits):
    rows = pd.read_parquet(manifest)
    rows["split"] = [splits[index % len(splits)] for index in range(len(rows))]
    rows.to_parquet(manifest, index=False)
    return list(rows["id"])


def test_write_pairs__what_was_learnt_once_is_inherited_for_good(manifest, tmp_path):
    ids = _with_splits(manifest, ["train", "test", "val"])
    write_pairs(tmp_path / "one" / PAIRS, manifest)
    _with_splits(manifest, ["test"])
    for name, start in (("two", "one"), ("three", "two")):
        write_pairs(tmp_path / name / PAIRS, manifest, start=tmp_path / start)
    found = read_pairs(tmp_path / "three")
    assert list(found["inherited"]) == [index % 3 != 1 for index in range(len(ids))]
    assert learnt_ids(found) == {id_ for index, id_ in enumerate(ids) if index % 3 != 1}


def test_write_pairs__what_is_gone_for_a_while_stays_learnt(manifest, tmp_path):
    rows = pd.read_parquet(manifest)
    first, *others = _with_splits(manifest, ["train"])
    write_pairs(tmp_path / "one" / PAIRS, manifest)
    rows[rows["id"] != first].assign(split="train").to_parquet(manifest, index=False)
    write_pairs(tmp_path / "two" / PAIRS, manifest, start=tmp_path / "one")
    two = read_pairs(tmp_path / "two").set_index("id")
    assert dict(two["split"]) == dict.fromkeys(others, "train") | {first: "past"}
    assert two.loc[first, "name"] == rows.set_index("id").loc[first, "name"]
    # It comes back, as a test pair.
    rows.assign(split="test").to_parquet(manifest, index=False)
    write_pairs(tmp_path / "three" / PAIRS, manifest, start=tmp_path / "two")
    assert learnt_ids(read_pairs(tmp_path / "three")) == {first, *others}
    assert "past" not in set(read_pairs(tmp_path / "three")["split"])


def test_read_pairs__of_an_earlier_release_nothing_is_inherited(manifest, tmp_path):
    write_pairs(tmp_path / PAIRS, manifest)
    pd.read_parquet(tmp_path / PAIRS).drop(columns="inherited").to_parquet(tmp_path / PAIRS)
    assert not read_pairs(tmp_path)["inherited"].any()


def test_write_pairs__unreadable_manifest_is_refused(manifest, tmp_path):
    manifest.write_bytes(b"no table")
    with pytest.raises(ManifestError, match="dvc repro"):
        write_pairs(tmp_path / "pairs.parquet", manifest)
    assert not (tmp_path / "pairs.parquet").exists()


def test_read_pairs__bundle_of_an_earlier_release_is_refused(make_bundle, tmp_path):
    make_bundle()
    (tmp_path / "models/bundle" / PAIRS).unlink()
    with pytest.raises(ModelError, match="earlier release"):
        read_pairs(tmp_path / "models/bundle")


def test_read_pairs__damaged_table_is_refused(make_bundle, tmp_path):
    make_bundle()
    (tmp_path / "models/bundle" / PAIRS).write_bytes(b"no table")
    with pytest.raises(ModelError, match="not readable"):
        read_pairs(tmp_path / "models/bundle")
