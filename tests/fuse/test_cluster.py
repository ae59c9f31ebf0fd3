"""What a machine of a cluster does; tests/services/test_cluster.py has whole clusters."""

import os
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from ssvif.data.images import write_png
from ssvif.data.infrared_range import raw_values
from ssvif.errors import ImageError, ModelError, ServiceError, StorageError
from ssvif.fuse import cluster
from ssvif.fuse.cluster import fuse_on_cluster
from ssvif.fuse.files import fuse_files
from ssvif.fuse.pair import PLAIN, Manner
from ssvif.fuse.pairing import FusePair, pair_files
from ssvif.fuse.places import PRETRAINED
from ssvif.fuse.recipe import Recipe
from ssvif.fuse.segmenter import Segmenter
from ssvif.models.weights import save_model
from tests.services import servers

RECIPE = Recipe(None)


@pytest.fixture
def task():
    return cluster._Task(RECIPE, RECIPE.load().weights, PLAIN, segment=False)


def _block(pairs):
    paths = [cluster._packed_pair(pair) for pair in pairs]
    return pa.table({"number": range(40, 40 + len(pairs)), "paths": paths})


def test_fuse_block__says_what_became_of_each_pair(rig, task):
    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    fuse_files(RECIPE.load(), pairs[:1])
    pairs[1].vis.write_bytes(b"not a picture")
    rows = cluster._fuse_block(_block(pairs), task).to_pylist()
    assert [(row["number"], row["fused"]) for row in rows] == [(40, False), (41, False), (42, True)]
    assert rows[0]["failed"] is rows[2]["failed"] is None
    assert "not a PNG" in rows[1]["failed"]


def test_fuse_block__a_machine_with_other_weights_fails_its_pairs(rig):
    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    other = cluster._Task(RECIPE, "0" * 64, PLAIN, segment=False)
    rows = cluster._fuse_block(_block(pairs), other).to_pylist()
    assert all("not the weights that the call began with" in row["failed"] for row in rows)
    assert not (rig / "out").exists()


def test_fuse_block__segments_beside(rig, tiny_model, tiny_network):
    weights = rig / "model.safetensors"
    save_model(weights, tiny_model, network=tiny_network)
    recipe = Recipe(weights)
    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    task = cluster._Task(recipe, recipe.load().weights, PLAIN, segment=True)
    rows = cluster._fuse_block(_block(pairs), task).to_pylist()
    assert [row["failed"] for row in rows] == [None] * 3
    manner = Manner(segmenter=Segmenter.load(weights))
    assert fuse_files(recipe.load(), pairs, manner=manner).skipped == 3


def test_packed_pair__any_name_and_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    odd = Path(os.fsdecode(b"not utf-8 \xff, and\ta tab.png"))
    pair = FusePair(odd, Path("ir.png"), Path("out.png"), (Path("spare.bmp"),))
    found = cluster._unpacked_pair(cluster._packed_pair(pair))
    assert found.vis == tmp_path / odd
    assert found.spare == (tmp_path / "spare.bmp",)


def test_count_block__finds_the_same_values(rig, task):
    deep = np.arange(27_000, 27_000 + 48 * 64, dtype=np.uint16).reshape(48, 64)
    Image.fromarray(deep).save(rig / "ir" / "0.png")
    Image.fromarray(deep.astype(np.float32)).save(rig / "ir" / "2.tiff")
    write_png(rig / "vis" / "3.png", np.zeros((9, 9), np.uint8))
    paths = sorted((rig / "ir").iterdir())
    pairs = [FusePair(path, path, path) for path in paths]
    (row,) = cluster._count_block(_block(pairs), task).to_pylist()
    here, there = raw_values(paths, max_pixels=10**6), cluster._unpacked(row["values"])
    assert there.images == here.images == 2
    assert there.range((1.0, 99.0)) == here.range((1.0, 99.0))


def test_find_range__a_block_that_is_missing_is_refused(rig, task, monkeypatch):
    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    counted = cluster._count_block(_block(pairs[:2]), task).to_pylist()
    monkeypatch.setattr(cluster, "_rows", lambda *_: counted)
    with pytest.raises(ServiceError, match="1 of 3 infrared images were not looked at") as raised:
        cluster._find_range(pairs, task)
    assert raised.value.transient


def test_outcomes__a_full_disk_is_told_from_what_fails_a_pair(rig, task, monkeypatch):
    def full(path, *_, **__):
        raise StorageError(f"{path}: the disk is full")

    pairs = pair_files(rig / "vis", rig / "ir", rig / "out")
    pairs[0].vis.write_bytes(b"not a picture")
    monkeypatch.setattr("ssvif.fuse.pair.write_png", full)
    monkeypatch.setattr(
        cluster, "_rows", lambda *_: cluster._fuse_block(_block(pairs), task).to_pylist()
    )
    kinds = [type(outcome) for _, outcome in cluster._outcomes(pairs, task)][:3]
    assert kinds == [ImageError, StorageError, StorageError]


@pytest.mark.parametrize("address", ["ray://head:10001", "head", "head:port", ":6379", "1:2/3:4"])
def test_fuse_on_cluster__no_address(address):
    with pytest.raises(ServiceError, match="expected local, auto, or HOST:PORT"):
        fuse_on_cluster(address, RECIPE, [])


def test_fuse_on_cluster__nobody_answers():
    with pytest.raises(ServiceError, match="nobody answers") as raised:
        fuse_on_cluster(f"{servers.HOST}:{servers.free_port()}", RECIPE, [])
    assert raised.value.transient


def test_fuse_on_cluster__without_ray(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ServiceError, match=r"pip install 'ssvif\[ray\]'"):
        fuse_on_cluster("auto", RECIPE, [])


def test_fuse_on_cluster__no_model(tmp_path):
    with pytest.raises(ModelError):
        fuse_on_cluster("auto", Recipe(tmp_path), [])


def test_recipe__none_is_the_model_of_the_package():
    assert RECIPE.load().weights == Recipe(PRETRAINED).load().weights
