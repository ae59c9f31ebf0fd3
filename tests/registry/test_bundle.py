import json

import pytest

from ssvif.errors import ModelError
from ssvif.models.weights import load_fusion
from ssvif.registry.bundle import FILES, bundle_hash, read_json


def test_write_bundle__holds_every_file(make_bundle, tmp_path):
    make_bundle()
    assert sorted(path.name for path in (tmp_path / "models/bundle").iterdir()) == sorted(FILES)
    load_fusion(tmp_path / "models/bundle/weights.safetensors")


def test_write_bundle__equal_content_has_one_hash(make_bundle):
    assert make_bundle(folder="a") == make_bundle(folder="b")


def test_write_bundle__other_content_has_another_hash(make_bundle):
    assert make_bundle("one") != make_bundle("two")


def test_write_bundle__replaces_the_bundle_before(make_bundle, tmp_path):
    make_bundle("one")
    make_bundle("two")
    lineage = json.loads((tmp_path / "models/bundle/lineage.json").read_text())
    assert lineage == {"note": "two"}


def test_write_bundle__missing_weights_leave_the_bundle_before(make_bundle, weights, tmp_path):
    before = make_bundle()
    weights.unlink()
    with pytest.raises(ModelError, match="no such file"):
        make_bundle("new")
    assert bundle_hash(tmp_path / "models/bundle") == before


@pytest.mark.parametrize("name", FILES)
def test_bundle_hash__half_a_bundle_is_refused(make_bundle, tmp_path, name):
    make_bundle()
    (tmp_path / "models/bundle" / name).unlink()
    with pytest.raises(ModelError, match=name):
        bundle_hash(tmp_path / "models/bundle")


@pytest.mark.parametrize("content", [None, "{"])
def test_read_json__missing_or_damaged(tmp_path, content):
    if content is not None:
        (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(ModelError, match="dvc repro"):
        read_json(tmp_path / "metrics.json")
