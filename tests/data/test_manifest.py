import pandas as pd
import pytest

from ssvif.data.manifest import SCHEMA, manifest_table, pair_paths, read_manifest, write_manifest
from ssvif.errors import ManifestError


def _row(number=0, **changes):
    return {
        "id": f"{number:016x}",
        "set": "rig",
        "name": f"{number:03}",
        "vis_source": f"data/captures/rig/vis/{number:03}.png",
        "ir_source": f"data/captures/rig/ir/{number:03}.png",
        "vis_sha256": "0" * 64,
        "ir_sha256": "f" * 64,
        "height": 480,
        "width": 640,
        "light": "day",
        "split": "train",
        "block": "rig/000",
        "grey_visible": False,
        "resized": False,
        "has_mask": True,
        "has_boxes": False,
        "ir_low": 0.0,
        "ir_high": 255.0,
        "vis_mean": 0.4,
        "vis_std": 0.2,
        "ir_mean": 0.3,
        "ir_std": 0.1,
        "vis_sharpness": 0.3,
        "ir_sharpness": 0.2,
        "registration_score": 0.25,
        "shift_down": 0.0,
        "shift_right": -2.0,
    } | changes


def test_write_manifest__reads_back_sorted(tmp_path):
    path = tmp_path / "manifest.parquet"
    write_manifest(path, manifest_table([_row(2), _row(1), _row(0, set="a")]))
    table = read_manifest(path)
    assert list(table["id"].str[-1]) == ["0", "1", "2"]
    assert list(table.columns) == list(SCHEMA.columns)


def test_write_manifest__equal_content_is_left_alone(tmp_path):
    path = tmp_path / "manifest.parquet"
    write_manifest(path, manifest_table([_row(0), _row(1)]))
    before = path.stat()
    write_manifest(path, manifest_table([_row(1), _row(0)]))
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"split": "dev"}, "split"),
        ({"light": "dusk"}, "light"),
        ({"id": "xyz"}, "id"),
        ({"vis_mean": 3.0}, "vis_mean"),
        ({"name": ""}, "name"),
        ({"set": "a b"}, "set"),
    ],
)
def test_write_manifest__refuses_what_breaks_the_schema(tmp_path, changes, what):
    with pytest.raises(ManifestError, match=what) as caught:
        write_manifest(tmp_path / "manifest.parquet", manifest_table([_row(**changes)]))
    assert len(str(caught.value)) < 400
    assert not (tmp_path / "manifest.parquet").exists()


def test_write_manifest__refuses_an_id_twice(tmp_path):
    with pytest.raises(ManifestError, match="id"):
        write_manifest(tmp_path / "m.parquet", manifest_table([_row(0), _row(0, name="other")]))


def test_read_manifest__missing(tmp_path):
    with pytest.raises(ManifestError, match="dvc repro ingest"):
        read_manifest(tmp_path / "manifest.parquet")


def test_read_manifest__damaged(tmp_path):
    path = tmp_path / "manifest.parquet"
    path.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(ManifestError, match="not readable"):
        read_manifest(path)


def test_read_manifest__a_column_is_missing(tmp_path):
    path = tmp_path / "manifest.parquet"
    pd.DataFrame([_row()]).drop(columns="split").to_parquet(path)
    with pytest.raises(ManifestError, match="split"):
        read_manifest(path)


def test_pair_paths__by_id(tmp_path):
    vis, ir = pair_paths("ab", tmp_path)
    assert (vis, ir) == (tmp_path / "vis" / "ab.png", tmp_path / "ir" / "ab.png")
